//! The time that one request may spend in stores.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chat_domain::deadline;
use chat_domain::session::{MockSessionRepository, UpdateOutcome};
use chat_domain::testing::builder::a_session;
use chat_http::ServerSettings;
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::server::{Answer, Parts, start_with};

fn with_deadline(store_deadline: Duration) -> Parts {
    let parts = Parts::default();
    let settings = ServerSettings { store_deadline, ..parts.settings };
    Parts { settings, ..parts }
}

#[tokio::test]
async fn all_calls_that_a_request_makes_end_together() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let note = |ends: &Arc<Mutex<Vec<_>>>| {
        let ends = Arc::clone(ends);
        move || ends.lock().unwrap().push(deadline::end(Instant::now()))
    };
    let (found, updated) = (note(&ends), note(&ends));
    let mut sessions = MockSessionRepository::new();
    sessions.expect_find().returning(move |_, _| {
        found();
        Ok(Some(a_session().to_session()))
    });
    sessions.expect_update().returning(move |_, _, _| {
        updated();
        Ok(UpdateOutcome::Unchanged(a_session().to_session()))
    });
    let server = start_with(Parts { sessions: Arc::new(sessions), ..with_deadline(Duration::from_mins(1)) }).await;
    let path = format!("/api/v1/sessions/{}", a_session().id);
    for _ in 0..2 {
        Answer::of(server.patch(&path).json(&json!({"status": "waiting"}))).await.expect(StatusCode::OK);
    }
    let ends = ends.lock().unwrap();
    let [first, same, other, same_again] = ends[..] else { panic!("{ends:?}") };
    assert!(first.is_some() && first == same && other == same_again);
    assert_ne!(first, other, "each request has a time of its own");
}

#[tokio::test]
async fn a_request_without_time_for_the_store_is_a_503() {
    let server = start_with(with_deadline(Duration::ZERO)).await;
    let answer = Answer::of(server.post("/api/v1/sessions").json(&json!({"user_id": "ann"}))).await;
    answer.problem(503, "store_unavailable");
}

#[tokio::test]
async fn the_time_that_a_client_takes_for_its_body_does_not_count() {
    let deadline = Duration::from_millis(400);
    let server = start_with(with_deadline(deadline)).await;
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let head =
        b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{";
    stream.write_all(head).await.unwrap();
    tokio::time::sleep(deadline * 2).await;
    stream.write_all(br#""user_id":"ann"}"#).await.unwrap();
    let mut answer = vec![0; 12];
    tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 201");
}
