//! Request ids, traces, the access event and the figures.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use chat_http::{LogShare, ServerSettings};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::{Answer, Held, Parts, TestServer, start, start_with};

/// All log lines of this process.
static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) fn record_log() {
    static RECORDING: OnceLock<()> = OnceLock::new();
    RECORDING.get_or_init(|| {
        let writer = || Lines;
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(writer).init();
    });
}

/// The lines that name this request id, as text.
pub(crate) fn lines_of(id: &str) -> Vec<String> {
    let lines = String::from_utf8(LINES.lock().unwrap().clone()).unwrap();
    lines.lines().filter(|line| line.contains(id)).map(str::to_owned).collect()
}

/// The access events of this request.
pub(crate) fn events_of(id: &str) -> Vec<Value> {
    let events = lines_of(id).into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    events.filter(|event| event["target"] == "chat_http::access").collect()
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_replaced() {
    let server = start().await;
    for good in ["abc", "A-1_b.c", "Root=1-67891233-abcdef012345678912345678", "a:b/c+d@e;f", &"x".repeat(128)] {
        let answer = Answer::of(server.get("/nope").header("x-request-id", good)).await;
        assert_eq!(answer.problem(404, "not_found")["request_id"], good);
    }
    for bad in ["", "a b", "a\"b", "a,b", "ü", "${x}", &"x".repeat(129)] {
        let answer = Answer::of(server.get("/nope").header("x-request-id", bad)).await;
        assert_eq!(answer.header("x-request-id").len(), 36, "{bad}");
        answer.problem(404, "not_found");
    }
    let twice = Answer::of(server.get("/").header("x-request-id", "a").header("x-request-id", "b")).await;
    assert_eq!(twice.header("x-request-id").len(), 36);
    let (one, two) = (Answer::of(server.get("/")).await, Answer::of(server.get("/")).await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
}

#[tokio::test]
async fn each_request_leaves_one_event_without_content() {
    record_log();
    let server = start().await;
    let path = server.session_path().await;
    let body =
        json!({"content": "topsecret", "sender_type": "user", "sender_id": "ann", "metadata": {"k": "topsecret"}});
    let request = server
        .post(&format!("{path}/messages"))
        .header("x-request-id", "event-1")
        .header("idempotency-key", "topsecret")
        .header("x-user-id", "topsecret")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .json(&body);
    Answer::of(request).await.expect(StatusCode::CREATED);
    let events = events_of("event-1");
    assert_eq!(events.len(), 1, "{events:?}");
    let fields = &events[0]["fields"];
    assert_eq!(fields["method"], "POST");
    assert_eq!(fields["route"], "/api/v1/sessions/{session_id}/messages");
    assert_eq!(fields["status"], 201);
    let span = &events[0]["span"];
    assert_eq!((&fields["request_id"], &span["request_id"]), (&Value::Null, &json!("event-1")));
    assert_eq!(span["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!((&fields["tenant"], &fields["role"]), (&json!("default"), &json!("service")));
    assert_eq!(fields["session_id"], path.rsplit('/').next().unwrap());
    assert!(fields["elapsed_ms"].as_f64().unwrap() >= 0.0);
    assert!(lines_of("event-1").iter().all(|line| !line.contains("topsecret")), "{:?}", lines_of("event-1"));
}

#[tokio::test]
async fn no_event_shows_a_query_or_a_name_or_breaks_a_line() {
    record_log();
    let server = start().await;
    for (number, path) in [
        "/api/v1/users/topsecret%0Aforged/sessions?cursor=topsecret",
        "/topsecret%0a{\"forged\":1}",
        "/api/v1/sessions/topsecret?topsecret=1",
    ]
    .iter()
    .enumerate()
    {
        let id = format!("hidden-{number}");
        let answer = Answer::of(server.get(path).header("x-request-id", &id)).await;
        assert!(answer.status.is_client_error());
        let events = events_of(&id);
        assert_eq!(events.len(), 1, "{path}");
        assert_eq!(events[0]["fields"]["code"], answer.json()["code"]);
        assert!(lines_of(&id).iter().all(|line| !line.contains("topsecret") && !line.contains("forged")));
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_its_event_too() {
    record_log();
    let held = Arc::new(Held::default());
    let server = start_with(Parts { database: held.clone(), ..Parts::default() }).await;
    let request = tokio::spawn(server.get("/health").header("x-request-id", "given-up-1").send());
    held.asked.notified().await;
    server.handle.stop(false).await;
    assert!(request.await.unwrap().is_err());
    let event = async {
        while events_of("given-up-1").is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), event).await.expect("an event");
}

#[tokio::test]
async fn of_good_answers_a_share_leaves_events_and_of_refusals_all() {
    record_log();
    let settings = ServerSettings { log_share: LogShare::new(0.25).unwrap(), ..Parts::default().settings };
    let server = start_with(Parts { settings, ..Parts::default() }).await;
    for (name, path, events) in [("good", "/health/live", 3), ("bad", "/nope", 12)] {
        for number in 0..12 {
            let id = format!("share-{name}-{number}-x");
            server.get(path).header("x-request-id", id).send().await.unwrap();
        }
        assert_eq!(events_of(&format!("share-{name}-")).len(), events, "{name}");
    }
}

/// A figure of all servers of this process, by its whole name; `None` where it is not there.
async fn figure(server: &TestServer, name: &str) -> Option<f64> {
    let figures = Answer::of(server.get("/metrics")).await;
    let line = figures.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

#[tokio::test]
async fn problems_are_counted_by_their_code_from_zero() {
    let server = start().await;
    assert_eq!(figure(&server, "chat_http_problems_total{code=\"outcome_unknown\"}").await, Some(0.0));
    let not_allowed = "chat_http_problems_total{code=\"method_not_allowed\"}";
    let before = figure(&server, not_allowed).await.unwrap();
    Answer::of(server.request(Method::PUT, "/")).await.problem(405, "method_not_allowed");
    assert!(figure(&server, not_allowed).await.unwrap() > before);
}

#[tokio::test]
async fn figures_count_routes_not_paths() {
    let server = start().await;
    let path = server.session_path().await;
    Answer::of(server.get(&path)).await.expect(StatusCode::OK);
    Answer::of(server.get(&path.replace("/api/v1", "/api/v1/chat"))).await.expect(StatusCode::OK);
    Answer::of(server.get("/made-up-path")).await.problem(404, "not_found");
    Answer::of(server.request(Method::from_bytes(b"MADEUP").unwrap(), "/")).await.problem(405, "method_not_allowed");
    let answer = Answer::of(server.get("/metrics")).await;
    assert!(answer.header("content-type").starts_with("text/plain"));
    let figures = answer.text();
    for line in [
        "chat_http_requests_total{method=\"GET\",route=\"/api/v1/sessions/{session_id}\",status=\"200\"}",
        "chat_http_requests_total{method=\"GET\",route=\"/api/v1/chat/sessions/{session_id}\",status=\"200\"}",
        "chat_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"}",
        "chat_http_requests_total{method=\"other\",route=\"/\",status=\"405\"}",
        "chat_http_request_duration_seconds",
        "chat_http_requests_in_flight",
    ] {
        assert!(figures.contains(line), "{line}\n{figures}");
    }
    assert!(!figures.contains("made-up") && !figures.contains("MADEUP") && !figures.contains(&path));
}
