//! A store that fails: what the client is told, and what it is not.

use std::sync::Arc;

use chat_domain::error::RepositoryError;
use chat_domain::message::{MockMessagePages, MockMessageRepository};
use chat_domain::session::MockSessionRepository;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::json;

use crate::observe::{lines_of, record_log};
use crate::server::{Answer, Parts, TestServer, start_with};

const ID: &str = "0198c0de-0000-7000-8000-0000000000ff";

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] Inner);

#[derive(Debug, thiserror::Error)]
#[error("SELECT hidden FROM driver")]
struct Inner;

fn unavailable() -> RepositoryError {
    RepositoryError::unavailable(Outer(Inner))
}

/// A server whose store fails in this way, whatever is asked of it.
async fn failing(error: fn() -> RepositoryError) -> TestServer {
    let mut sessions = MockSessionRepository::new();
    sessions.expect_create().returning(move |_| Err(error()));
    sessions.expect_find().returning(move |_, _| Err(error()));
    sessions.expect_list_of_user().returning(move |_, _| Err(error()));
    sessions.expect_update().returning(move |_, _, _| Err(error()));
    let mut messages = MockMessageRepository::new();
    messages.expect_append().returning(move |_| Err(error()));
    messages.expect_find().returning(move |_, _| Err(error()));
    messages.expect_remove().returning(move |_, _, _| Err(error()));
    let mut pages = MockMessagePages::new();
    pages.expect_page().returning(move |_, _, _| Err(error()));
    let (sessions, messages, pages) = (Arc::new(sessions), Arc::new(messages), Arc::new(pages));
    start_with(Parts { sessions, messages, pages, ..Parts::default() }).await
}

fn every_request(server: &TestServer) -> Vec<RequestBuilder> {
    let message = json!({"content": "hello", "sender_type": "user", "sender_id": "ann"});
    vec![
        server.post("/api/v1/sessions").json(&json!({"user_id": "ann"})),
        server.get(&format!("/api/v1/sessions/{ID}")),
        server.patch(&format!("/api/v1/sessions/{ID}")).json(&json!({"status": "waiting"})),
        server.post(&format!("/api/v1/sessions/{ID}/end")),
        server.get("/api/v1/users/ann/sessions"),
        server.post(&format!("/api/v1/sessions/{ID}/messages")).json(&message),
        server.get(&format!("/api/v1/sessions/{ID}/messages")),
        server.get(&format!("/api/v1/messages/{ID}")),
        server.delete(&format!("/api/v1/messages/{ID}")),
    ]
}

#[tokio::test]
async fn a_store_that_is_down_is_a_503_with_retry_after_on_every_route() {
    let server = failing(unavailable).await;
    for request in every_request(&server) {
        let answer = Answer::of(request).await;
        answer.problem(503, "store_unavailable");
        assert_eq!(answer.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_says_so() {
    let server = failing(|| RepositoryError::outcome_unknown(Inner)).await;
    let answer = Answer::of(server.post("/api/v1/sessions").json(&json!({"user_id": "ann"}))).await;
    let problem = answer.problem(503, "outcome_unknown");
    assert!(problem["detail"].as_str().unwrap().contains("Idempotency-Key"));
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn no_answer_leaks_what_lies_behind_and_the_log_has_it_once() {
    record_log();
    let errors: [(fn() -> RepositoryError, u16); 4] = [
        (unavailable, 503),
        (|| RepositoryError::outcome_unknown(Outer(Inner)), 503),
        (|| RepositoryError::corrupt("message", Outer(Inner)), 500),
        (|| RepositoryError::internal(Outer(Inner)), 500),
    ];
    for (number, (error, status)) in errors.into_iter().enumerate() {
        let server = failing(error).await;
        let id = format!("leak-{number}");
        for (route, request) in every_request(&server).into_iter().enumerate() {
            let id = format!("{id}-{route}-x");
            let answer = Answer::of(request.header("x-request-id", &id)).await;
            assert_eq!(answer.status.as_u16(), status);
            for hidden in ["SELECT", "driver", "outer", "stored", "statement"] {
                assert!(!answer.text().contains(hidden), "{}", answer.text());
            }
            let logged: Vec<_> = lines_of(&id).into_iter().filter(|line| line.contains("SELECT hidden")).collect();
            assert_eq!(logged.len(), 1, "{logged:?}");
            assert!(logged[0].contains("outer: SELECT hidden FROM driver"), "{logged:?}");
        }
    }
}

#[tokio::test]
async fn a_fault_of_ours_is_a_500_without_retry_after() {
    let server = failing(|| RepositoryError::internal(Inner)).await;
    let answer = Answer::of(server.get(&format!("/api/v1/messages/{ID}"))).await;
    answer.problem(500, "internal_error");
    assert_eq!(answer.header("retry-after"), "");
}

#[tokio::test]
async fn bad_input_is_told_while_the_store_is_down() {
    let server = failing(unavailable).await;
    Answer::of(server.post("/api/v1/sessions").json(&json!({}))).await.faults();
    Answer::of(server.get("/health/live")).await.expect(StatusCode::OK);
}
