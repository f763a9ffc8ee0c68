//! Health at its three depths, and shutting down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_domain::health::Probe;
use chat_domain::testing::fake::FakeProbe;
use reqwest::StatusCode;

use crate::server::{Answer, Held, Parts, start, start_with};

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
            let begun = Instant::now();
            let answer = Answer::of(server.get(path)).await;
            assert!(begun.elapsed() < Duration::from_secs(4), "far more than the promised 2 s");
            let health = answer.expect(status);
            assert_eq!(health["status"], word);
            assert_eq!(
                (&health["service"], &health["version"]),
                (&"chat-service".into(), &env!("CARGO_PKG_VERSION").into())
            );
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
