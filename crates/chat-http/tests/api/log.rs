//! What the log says of answers that are no success: the code, and why, without a word of what the client said.

use std::sync::Arc;

use chat_domain::clock::Clock as _;
use chat_domain::testing::fake::{FakeClock, FakeProbe};
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::observe::{events_of, lines_of, record_log};
use crate::server::{Answer, Parts, start, start_with};

/// The one event of a request under this id.
async fn event(request: RequestBuilder, id: &str) -> (Answer, Value) {
    record_log();
    let answer = Answer::of(request.header("x-request-id", id)).await;
    let mut events = events_of(id);
    assert_eq!(events.len(), 1, "{events:?}");
    (answer, events.remove(0))
}

#[tokio::test]
async fn each_refusal_says_why_and_nothing_of_what_was_sent() {
    let server = start().await;
    let id = "0198c0de-0000-7000-8000-0000000000fe";
    let message = format!("/api/v1/sessions/{id}/messages");
    let json =
        |path: &str, body: &str| server.post(path).header("content-type", "application/json").body(body.to_owned());
    let sessions = "/api/v1/sessions";
    let long = format!("{{\"user_id\":\"{}\"}}", "topsecret".repeat(30_000));
    let list = format!("{message}?limit=topsecret&topsecret=1");
    let requests = [
        (json(sessions, "{\"user_id\": topsecret}"), 400, "malformed_json", "expected ident at line 1 column 14"),
        (
            json(sessions, "{\"metadata\":{\"topsecret\":[1e400]}}"),
            400,
            "malformed_json",
            "in the value that begins at byte 12: number out of range at line 1 column ",
        ),
        (json(sessions, "{\"topsecret\":1}"), 422, "invalid_request", "body unknown_field, body missing_field"),
        (server.get(&list), 422, "invalid_request", "query "),
        (json(sessions, &long), 413, "payload_too_large", "The body must be at most "),
        (server.post(sessions).body("topsecret"), 415, "unsupported_media_type", "The body must be application/json"),
        (server.get(&format!("{sessions}/{id}")), 404, "session_not_found", "There is no such session"),
    ];
    for (number, (request, status, code, causes)) in requests.into_iter().enumerate() {
        let id = format!("refused-{number}-x");
        let (answer, event) = event(request, &id).await;
        let fields = &event["fields"];
        assert_eq!((answer.status.as_u16(), &fields["status"]), (status, &status.into()), "{fields}");
        assert_eq!((&event["level"], &fields["code"]), (&"WARN".into(), &code.into()), "{fields}");
        assert!(fields["causes"].as_str().is_some_and(|told| told.starts_with(causes)), "{fields}");
        assert!(lines_of(&id).iter().all(|line| !line.contains("topsecret")), "{:?}", lines_of(&id));
    }
}

#[tokio::test]
async fn health_that_is_a_503_says_why() {
    let far = FakeProbe::Telling(FakeClock::new().now().plus_seconds(45));
    for (number, (database, causes)) in [
        (FakeProbe::Failing, "database: the probe was told to fail"),
        (far, "clock: -45 s ahead of the database's, 30 s are allowed either way"),
    ]
    .into_iter()
    .enumerate()
    {
        let server = start_with(Parts { database: Arc::new(database), ..Parts::default() }).await;
        for path in ["/health", "/api/v1/health", "/health/ready"] {
            let id = format!("unhealthy-{number}-{}-x", path.len());
            let (answer, event) = event(server.get(path), &id).await;
            assert_eq!(answer.status, 503);
            assert!(!answer.text().contains("told to fail"), "{}", answer.text());
            let fields = &event["fields"];
            assert_eq!((&event["level"], &fields["code"]), (&"ERROR".into(), &"unhealthy".into()), "{fields}");
            assert_eq!(fields["causes"], causes, "{path}");
        }
    }
}

#[tokio::test]
async fn a_node_without_keys_says_so_in_the_log_beside_what_else_is_wrong() {
    let parts = |database| Parts {
        database: Arc::new(database),
        token_keys: Some(Arc::new(FakeProbe::Failing)),
        ..Parts::default()
    };
    let keys = "token keys: the probe was told to fail";
    let both = format!("database: the probe was told to fail; {keys}");
    for (number, (database, causes)) in [(FakeProbe::Healthy, keys), (FakeProbe::Failing, &both)].iter().enumerate() {
        let server = start_with(parts(*database)).await;
        let (answer, event) = event(server.get("/health/ready"), &format!("keyless-{number}-x")).await;
        assert_eq!((answer.status.as_u16(), &event["fields"]["causes"]), (503, &(*causes).into()));
    }
}

#[tokio::test]
async fn a_server_that_was_told_to_stop_is_no_failure() {
    let server = start().await;
    server.drain.begin();
    let (answer, event) = event(server.get("/health/ready"), "draining-1-x").await;
    assert_eq!(answer.status, 503);
    assert_eq!((&event["level"], &event["fields"]["code"]), (&"INFO".into(), &"draining".into()), "{event}");
}

#[tokio::test]
async fn a_cache_that_is_down_is_told_of_though_the_answer_is_good() {
    let server = start_with(Parts { cache: Arc::new(FakeProbe::Failing), ..Parts::default() }).await;
    let (answer, event) = event(server.get("/health"), "degraded-1-x").await;
    assert_eq!((answer.status.as_u16(), &event["level"]), (200, &"INFO".into()));
    let told: Vec<_> = lines_of("degraded-1-x").into_iter().filter(|line| line.contains("the cache is down")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("the probe was told to fail"), "{told:?}");
}
