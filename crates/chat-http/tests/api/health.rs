//! Health at its three depths, and shutting down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::clock::Clock as _;
use chat_domain::error::RepositoryError;
use chat_domain::health::{Probe, Pulse};
use chat_domain::testing::fake::{FakeClock, FakeProbe};
use chat_http::{Drain, Health};
use metrics_exporter_prometheus::PrometheusBuilder;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{Answer, Held, Parts, start, start_with};

/// Generous: what waits for a part that hangs waits for ever.
const PATIENCE: Duration = Duration::from_mins(1);

fn parts(database: FakeProbe, cache: FakeProbe) -> Parts {
    let (database, cache): (Arc<dyn Probe>, Arc<dyn Probe>) = (Arc::new(database), Arc::new(cache));
    Parts { database, cache, ..Parts::default() }
}

#[tokio::test]
async fn health_tells_of_each_part() {
    use FakeProbe::{Failing, Hanging, Healthy};

    for (database, cache, status, word, checks) in [
        (Healthy, Healthy, StatusCode::OK, "healthy", ["up", "up"]),
        (Healthy, Failing, StatusCode::OK, "degraded", ["up", "down"]),
        (Failing, Healthy, StatusCode::SERVICE_UNAVAILABLE, "unhealthy", ["down", "up"]),
        (Hanging, Hanging, StatusCode::SERVICE_UNAVAILABLE, "unhealthy", ["down", "down"]),
    ] {
        let server = start_with(parts(database, cache)).await;
        for path in ["/health", "/api/v1/health", "/api/v1/chat/health"] {
            let answer = tokio::time::timeout(PATIENCE, Answer::of(server.get(path))).await.expect("it does not hang");
            let health = answer.expect(status);
            assert_eq!(health["status"], word);
            assert_eq!((&health["service"], &health["version"]), (&"chat-service".into(), &chat_http::VERSION.into()));
            assert!(health["timestamp"].as_str().unwrap().ends_with('Z'));
            for (part, expected) in ["database", "cache"].iter().zip(checks) {
                assert_eq!(health["checks"][part]["status"], expected);
                assert!(health["checks"][part]["latency_ms"].as_f64().unwrap() >= 0.0);
            }
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("retry-after").is_empty(), status == StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn readiness_needs_the_database_and_liveness_nothing() {
    let server = start_with(parts(FakeProbe::Failing, FakeProbe::Failing)).await;
    assert_eq!(Answer::of(server.get("/health/live")).await.expect(StatusCode::OK)["status"], "live");
    let ready = Answer::of(server.get("/health/ready")).await;
    assert_eq!(ready.expect(StatusCode::SERVICE_UNAVAILABLE)["status"], "unhealthy");
    assert_eq!(ready.header("retry-after"), "1");
    let server = start_with(parts(FakeProbe::Healthy, FakeProbe::Failing)).await;
    assert_eq!(Answer::of(server.get("/health/ready")).await.expect(StatusCode::OK)["status"], "ready");
}

#[tokio::test]
async fn a_node_that_knows_callers_by_tokens_is_ready_once_it_has_a_key() {
    use FakeProbe::{Failing, Hanging, Healthy};

    for (keys, status, ready, health, word) in [
        (Healthy, StatusCode::OK, "ready", "healthy", "up"),
        (Failing, StatusCode::SERVICE_UNAVAILABLE, "unhealthy", "unhealthy", "down"),
        (Hanging, StatusCode::SERVICE_UNAVAILABLE, "unhealthy", "unhealthy", "down"),
    ] {
        let server = start_with(Parts { token_keys: Some(Arc::new(keys)), ..Parts::default() }).await;
        for (path, expected) in [("/health/ready", ready), ("/health", health)] {
            let answer = tokio::time::timeout(PATIENCE, Answer::of(server.get(path))).await.expect("it does not hang");
            let answer = answer.expect(status);
            assert_eq!(answer["status"], expected);
            let checks = &answer["checks"];
            assert_eq!((&checks["token_keys"]["status"], &checks["database"]["status"]), (&word.into(), &"up".into()));
            assert!(checks["token_keys"]["latency_ms"].as_f64().unwrap() >= 0.0);
        }
        Answer::of(server.get("/health/live")).await.expect(StatusCode::OK);
    }
    let server = start().await;
    for path in ["/health/ready", "/health"] {
        let answer = Answer::of(server.get(path)).await.expect(StatusCode::OK);
        assert!(answer["checks"].get("token_keys").is_none(), "{answer}");
    }
}

/// Ten seconds after the clock of all test servers.
const FEW: i32 = 10;

#[tokio::test]
async fn a_node_whose_clock_is_far_from_the_databases_is_not_ready_and_says_why() {
    for (ahead, serves) in [(FEW, true), (-FEW, true), (30, true), (31, false), (-3_600, false)] {
        let shown = f64::from(ahead);
        let database = FakeProbe::Telling(FakeClock::new().now().plus_seconds(-i64::from(ahead)));
        let server = start_with(parts(database, FakeProbe::Healthy)).await;
        let (status, ready, word, health) = if serves {
            (StatusCode::OK, "ready", "up", "healthy")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "unhealthy", "down", "unhealthy")
        };
        for (path, expected) in [("/health/ready", ready), ("/health", health)] {
            let answer = Answer::of(server.get(path)).await.expect(status);
            assert_eq!(answer["status"], expected);
            let clock = &answer["checks"]["clock"];
            assert_eq!((&clock["status"], &clock["limit_seconds"]), (&word.into(), &30.into()));
            assert!((clock["skew_seconds"].as_f64().unwrap() - shown).abs() < 1e-6, "{clock}");
            assert_eq!(answer["checks"]["database"]["status"], "up");
        }
        Answer::of(server.get("/health/live")).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn the_skew_of_the_clock_is_among_the_figures() {
    let ahead = 7.0;
    let database = FakeProbe::Telling(FakeClock::new().now().plus_seconds(-7));
    let server = start_with(parts(database, FakeProbe::Healthy)).await;
    // Other tests of this process set the same figure.
    let read = async || {
        Answer::of(server.get("/health/ready")).await.expect(StatusCode::OK);
        let figures = Answer::of(server.get("/metrics")).await;
        figures.text().lines().any(|line| line == format!("chat_clock_skew_seconds {ahead}"))
    };
    tokio::time::timeout(Duration::from_secs(20), async { while !read().await {} }).await.unwrap();
}

/// A database that comes and goes.
#[derive(Default)]
struct Changing(AtomicBool);

#[async_trait]
impl Probe for Changing {
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        let there = if self.0.load(Ordering::SeqCst) { FakeProbe::Healthy } else { FakeProbe::Failing };
        there.check().await
    }
}

/// The gauge of readiness, on a page of its own: all tests of a process share the other.
fn shown(health: &Health, drain: &Drain) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || health.show_readiness(drain));
    let page = recorder.handle().render();
    page.lines().find_map(|line| line.strip_prefix("chat_ready ")).expect("it is there").to_owned()
}

#[tokio::test]
async fn the_gauge_of_readiness_follows_what_was_found_last_and_ends_with_the_drain() {
    let (database, drain) = (Arc::new(Changing::default()), Drain::default());
    let health = Health::new(database.clone(), Arc::new(FakeProbe::Failing), Arc::new(FakeClock::new()));
    assert_eq!(shown(&health, &drain), "0", "nothing is known yet");
    for (there, ready) in [(true, "1"), (false, "0"), (true, "1")] {
        let before = shown(&health, &drain);
        database.0.store(there, Ordering::SeqCst);
        assert_eq!(shown(&health, &drain), before, "showing asks nobody");
        health.look().await;
        assert_eq!(shown(&health, &drain), ready);
    }
    drain.begin();
    health.look().await;
    assert_eq!(shown(&health, &drain), "0");
}

#[tokio::test]
async fn a_node_whose_clock_is_far_off_is_not_ready_among_the_figures_either() {
    for (ahead, ready) in [(30, "1"), (31, "0")] {
        let database = FakeProbe::Telling(FakeClock::new().now().plus_seconds(-ahead));
        let health = Health::new(Arc::new(database), Arc::new(FakeProbe::Healthy), Arc::new(FakeClock::new()));
        health.look().await;
        assert_eq!(shown(&health, &Drain::default()), ready, "{ahead} s");
    }
}

#[tokio::test]
async fn a_node_without_keys_is_not_ready_among_the_figures_either() {
    for (keys, ready) in [(FakeProbe::Healthy, "1"), (FakeProbe::Failing, "0")] {
        let (healthy, clock) = (Arc::new(FakeProbe::Healthy), Arc::new(FakeClock::new()));
        let health = Health::new(healthy.clone(), healthy, clock).with_token_keys(Arc::new(keys));
        health.look().await;
        assert_eq!(shown(&health, &Drain::default()), ready, "{keys:?}");
    }
}

#[tokio::test]
async fn a_store_without_a_clock_of_its_own_has_no_skew() {
    let server = start().await;
    for path in ["/health", "/health/ready"] {
        let answer = Answer::of(server.get(path)).await.expect(StatusCode::OK);
        assert!(answer["checks"]["database"].is_object() && answer["checks"]["clock"].is_null(), "{answer}");
    }
}

#[tokio::test]
async fn a_draining_server_answers_and_keeps_no_connection() {
    let server = start().await;
    let path = server.session_path().await;
    server.drain.begin();
    let ready = Answer::of(server.get("/health/ready")).await;
    assert_eq!(ready.expect(StatusCode::SERVICE_UNAVAILABLE)["status"], "draining");
    assert_eq!(ready.header("connection"), "close");
    Answer::of(server.get("/health/live")).await.expect(StatusCode::OK);
    let served = Answer::of(server.get(&path)).await;
    served.expect(StatusCode::OK);
    assert_eq!(served.header("connection"), "close");
}

#[tokio::test]
async fn a_stopped_server_does_not_wait_for_idle_connections() {
    let server = start().await;
    Answer::of(server.get("/health/live")).await.expect(StatusCode::OK);
    let stopped = tokio::time::timeout(Duration::from_secs(4), server.handle.stop(true)).await;
    assert!(stopped.is_ok(), "a client that keeps its connection holds up the shutdown");
}

#[tokio::test]
async fn a_client_that_has_connected_is_answered_while_the_server_stops() {
    let mut server = start().await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(TcpStream::connect(server.address).await.unwrap());
    }
    server.drain.begin();
    let stopped = tokio::spawn(server.stopper.take().unwrap().stop());
    // By now the server is told to stop, and has let go of its address.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for mut client in clients {
        client.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap().to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 200 ok\r\n") && answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    tokio::time::timeout(Duration::from_secs(20), stopped).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stopped_server_answers_what_is_under_way() {
    let held = Arc::new(Held::default());
    let server = start_with(Parts { database: held.clone(), ..Parts::default() }).await;
    let under_way = tokio::spawn(Answer::of(server.get("/health")));
    held.asked.notified().await;
    let stopped = tokio::spawn(server.handle.stop(true));
    held.released.notify_one();
    let answer = under_way.await.unwrap();
    assert_eq!(answer.expect(StatusCode::OK)["status"], "healthy");
    stopped.await.unwrap();
}
