//! `Idempotency-Key` over the wire.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Answer, TestServer, start};

async fn post(server: &TestServer, path: &str, key: &str, body: &Value) -> Answer {
    Answer::of(server.post(path).header("idempotency-key", key).json(body)).await
}

#[tokio::test]
async fn a_repeat_answers_what_was_made_and_makes_nothing() {
    let server = start().await;
    let path = server.session_path().await;
    let messages = format!("{path}/messages");
    let body = json!({"content": "hello", "sender_type": "user", "sender_id": "ann"});
    for (path, body) in [("/api/v1/sessions", json!({"user_id": "ben"})), (&*messages, body)] {
        let first = post(&server, path, "k 1", &body).await;
        let again = post(&server, path, "k 1", &body).await;
        assert_eq!(first.expect(StatusCode::CREATED), again.expect(StatusCode::CREATED));
        assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
        assert_eq!(first.header("location"), again.header("location"));
        assert_eq!(first.header("etag"), again.header("etag"));
    }
    assert_eq!(Answer::of(server.get(&path)).await.json()["message_count"], 1);
    assert_eq!(Answer::of(server.get("/api/v1/users/ben/sessions")).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_command_in_another_spelling_is_a_repeat() {
    let server = start().await;
    let send = |body: &'static str| {
        let request = server.post("/api/v1/sessions").header("idempotency-key", "k");
        Answer::of(request.header("content-type", "application/json").body(body))
    };
    send(r#"{"user_id":"ann","metadata":{"a":1,"b":2}}"#).await.expect(StatusCode::CREATED);
    let again = send("{ \"metadata\": {\"b\":2,\"a\":1}, \"user_id\": \"\\u0061nn\", \"agent_id\": null }").await;
    again.expect(StatusCode::CREATED);
    assert_eq!(again.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn a_key_stands_for_one_command_only() {
    let server = start().await;
    let path = format!("{}/messages", server.session_path().await);
    let body = |content: &str| json!({"content": content, "sender_type": "user", "sender_id": "ann"});
    post(&server, &path, "k", &body("one")).await.expect(StatusCode::CREATED);
    post(&server, &path, "k", &body("two")).await.problem(422, "idempotency_key_reused");
    post(&server, "/api/v1/sessions", "k", &json!({"user_id": "ann"})).await.expect(StatusCode::CREATED);
    post(&server, "/api/v1/sessions", "k", &json!({"user_id": "ben"})).await.problem(422, "idempotency_key_reused");
    assert_eq!(Answer::of(server.get(&path)).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ending_takes_a_key_too() {
    let server = start().await;
    let path = format!("{}/end", server.session_path().await);
    let end =
        async || Answer::of(server.post(&path).header("idempotency-key", "k").header("if-match", "\"1-f\"")).await;
    let (first, again) = (end().await, end().await);
    assert_eq!(first.expect(StatusCode::OK), again.expect(StatusCode::OK));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
}

#[tokio::test]
async fn a_replay_comes_before_the_end_and_never_shows_a_deleted_text() {
    let server = start().await;
    let path = server.session_path().await;
    let body = json!({"content": "secret", "sender_type": "user", "sender_id": "ann"});
    let made = post(&server, &format!("{path}/messages"), "k", &body).await;
    let location = made.header("location").to_owned();
    Answer::of(server.post(&format!("{path}/end"))).await.expect(StatusCode::OK);
    Answer::of(server.delete(&location)).await.expect(StatusCode::OK);
    let again = post(&server, &format!("{path}/messages"), "k", &body).await;
    assert_eq!(again.expect(StatusCode::CREATED)["is_deleted"], true);
    assert!(!again.text().contains("secret"));
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let server = start().await;
    post(&server, "/api/v1/sessions", "k", &json!({"user_id": ""})).await.faults();
    let made = post(&server, "/api/v1/sessions", "k", &json!({"user_id": "ann"})).await;
    made.expect(StatusCode::CREATED);
    assert_eq!(made.header("idempotent-replayed"), "");
}

#[tokio::test]
async fn equal_posts_at_once_make_one_thing() {
    let server = start().await;
    let path = format!("{}/messages", server.session_path().await);
    let body = json!({"content": "hello", "sender_type": "user", "sender_id": "ann"});
    let answers = futures_util::future::join_all((0..20).map(|_| post(&server, &path, "k", &body))).await;
    let fresh = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).count();
    assert_eq!(fresh, 1);
    assert!(answers.iter().all(|answer| answer.expect(StatusCode::CREATED) == answers[0].json()));
}

#[tokio::test]
async fn a_bad_key_is_a_422() {
    let server = start().await;
    for (key, code) in [("", "invalid_length"), (&*"x".repeat(256), "invalid_length"), ("ü", "invalid_characters")] {
        let answer = post(&server, "/api/v1/sessions", key, &json!({"user_id": "ann"})).await;
        assert_eq!(answer.faults(), [format!("header /idempotency-key {code}")]);
    }
    let twice = server.post("/api/v1/sessions").header("idempotency-key", "a").header("idempotency-key", "a");
    let twice = Answer::of(twice.json(&json!({"user_id": "ann"}))).await;
    assert_eq!(twice.faults(), ["header /idempotency-key duplicate_header"]);
    assert_eq!(Answer::of(server.get("/api/v1/users/ann/sessions")).await.json(), json!([]));
}
