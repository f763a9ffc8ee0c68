//! Requests that are sent before the answers to earlier ones have come.

use reqwest::StatusCode;
use serde_json::json;

use crate::server::{Answer, TestServer, start};

fn message(path: &str) -> String {
    let body = r#"{"content":"hello","sender_type":"user","sender_id":"ann"}"#;
    let length = body.len();
    format!(
        "POST {path}/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

async fn rev(server: &TestServer, path: &str) -> serde_json::Value {
    Answer::of(server.get(path)).await.expect(StatusCode::OK)["rev"].clone()
}

#[tokio::test]
async fn nothing_is_done_after_an_answer_that_closes_the_connection() {
    let server = start().await;
    let path = server.session_path().await;
    let messages = format!("{path}/messages");
    let typed = "Content-Type: application/json\r\n";
    for (first, headers, status) in [
        (format!("POST {messages}"), "", "415"),
        ("POST /nope".to_owned(), typed, "404"),
        (format!("PUT {messages}"), typed, "405"),
        (format!("POST {messages}"), "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "415"),
        ("GET /health/live".to_owned(), "", "200"),
        ("HEAD /health/live".to_owned(), "", "200"),
        ("OPTIONS /health/live".to_owned(), "", "204"),
        ("GET /health/live".to_owned(), "Accept-Encoding: identity;q=0, br\r\n", "406"),
    ] {
        for body in ["Content-Length: 2\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"] {
            let request = format!("{first} HTTP/1.1\r\nHost: x\r\n{headers}{body}");
            let answer = server.raw(format!("{request}{0}{0}", message(&path)).as_bytes()).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}\n{answer}");
            assert!(answer.to_ascii_lowercase().contains("connection: close"), "{request}\n{answer}");
            assert!(!answer.contains(" 201 "), "{request}\n{answer}");
            assert_eq!(rev(&server, &path).await, 1, "{request}");
        }
    }
}

#[tokio::test]
async fn nothing_is_done_after_a_request_that_asked_to_close_the_connection() {
    let server = start().await;
    let path = server.session_path().await;
    for last in
        ["GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /health/live HTTP/1.0\r\n\r\n"]
    {
        let answer = server.raw(format!("{last}{}", message(&path)).as_bytes()).await;
        assert!(answer.contains(" 200 ") && !answer.contains(" 201 "), "{answer}");
        assert_eq!(rev(&server, &path).await, 1);
    }
}

#[tokio::test]
async fn a_draining_server_answers_one_request_of_a_connection() {
    let server = start().await;
    let path = server.session_path().await;
    server.drain.begin();
    let answer = server.raw(message(&path).repeat(2).as_bytes()).await;
    assert_eq!(answer.matches(" 201 ").count(), 1, "{answer}");
    assert_eq!(rev(&server, &path).await, 2);
}

#[tokio::test]
async fn otherwise_each_is_answered_in_turn() {
    let server = start().await;
    let path = server.session_path().await;
    let last = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = server.raw(format!("{}{last}", message(&path).repeat(3)).as_bytes()).await;
    assert_eq!((answer.matches(" 201 ").count(), answer.matches(" 200 ").count()), (3, 1), "{answer}");
    let contents = Answer::of(server.get(&format!("{path}/messages"))).await.expect(StatusCode::OK);
    let seqs: Vec<_> = contents.as_array().unwrap().iter().map(|message| message["seq"].clone()).collect();
    assert_eq!(seqs, [json!(1), json!(2), json!(3)]);
}
