//! Clients that stall or break off.

use std::time::Duration;

use chat_domain::message::{MessageRepository as _, NewMessage};
use chat_domain::session::SessionRepository;
use chat_domain::testing::builder::{a_message, a_session};
use chat_domain::testing::fake::FakeStore;
use chat_http::ServerSettings;
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::server::{Answer, Parts, start_with};

/// Waits for no head, and for bodies as long as usual.
fn impatient_of_heads() -> Parts {
    let settings = ServerSettings { head_timeout: Duration::from_millis(300), ..short_lived() };
    Parts { settings, ..Parts::default() }
}

/// Waits for no body, and for heads as long as usual.
fn impatient_of_bodies() -> Parts {
    let (stall, whole) = (Duration::from_millis(200), Duration::from_millis(600));
    let settings = ServerSettings { body_stall_timeout: stall, body_timeout: whole, ..short_lived() };
    Parts { settings, ..Parts::default() }
}

fn short_lived() -> ServerSettings {
    // Longer than the half second in which the server tells the time.
    ServerSettings { workers: 1, disconnect_timeout: Duration::from_secs(1), ..ServerSettings::default() }
}

#[tokio::test]
async fn a_head_that_stalls_is_answered_or_closed() {
    let server = start_with(impatient_of_heads()).await;
    for head in ["", "GET /health HTTP/1.1\r\nHost", "G", "POST /api/v1/sessions HTTP/1.1\r\nContent-Length: 5\r\n"] {
        let answer = server.raw(head.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

#[tokio::test]
async fn a_later_head_on_a_connection_that_stalls_is_closed_too() {
    let server = start_with(impatient_of_heads()).await;
    let whole = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    let body = "POST /api/v1/sessions HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    for first in [whole, body] {
        let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        stream.write_all(first.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4_096];
        let length = stream.read(&mut answer).await.unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 "));
        // Closed already where this machine was slow in between.
        let _ = stream.write_all(b"GET /health/live HT").await;
        let closed = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer)).await;
        assert_eq!(closed.expect("the server closes").unwrap_or(0), 0);
    }
}

#[tokio::test]
async fn a_connection_serves_many_requests_however_their_heads_are_cut() {
    let server = start_with(impatient_of_bodies()).await;
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let mut answer = vec![0; 4_096];
    for _ in 0..4 {
        for piece in ["GET /health/live HT", "TP/1.1\r\nHo", "st: x\r\n\r\n"] {
            stream.write_all(piece.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        let length = stream.read(&mut answer).await.unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_a_408_and_makes_nothing() {
    let server = start_with(impatient_of_bodies()).await;
    let head = "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    for rest in [
        "Content-Length: 20\r\n\r\n",
        "Content-Length: 20\r\n\r\n{\"user_id\":\"ann\"}",
        "Transfer-Encoding: chunked\r\n\r\n11\r\n{\"user_id\":\"ann\"}\r\n",
    ] {
        let answer = server.raw(format!("{head}{rest}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    }
    assert_eq!(Answer::of(server.get("/api/v1/users/ann/sessions")).await.expect(StatusCode::OK), json!([]));
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_off() {
    let server = start_with(impatient_of_bodies()).await;
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let trickle = tokio::spawn(async move {
        let head = b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n";
        let mut sent = write.write_all(head).await;
        while sent.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            sent = write.write_all(b" ").await;
        }
    });
    let mut answer = vec![0; 12];
    tokio::time::timeout(Duration::from_secs(20), read.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
    trickle.abort();
}

#[tokio::test]
async fn a_body_that_breaks_off_makes_nothing() {
    let server = start_with(impatient_of_bodies()).await;
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let half = b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{\"user_id\":\"ann\"}";
    stream.write_all(half).await.unwrap();
    drop(stream);
    assert_eq!(Answer::of(server.get("/api/v1/users/ann/sessions")).await.expect(StatusCode::OK), json!([]));
}

#[tokio::test]
async fn a_body_that_nobody_reads_does_not_keep_its_connection() {
    let server = start_with(impatient_of_bodies()).await;
    for head in ["POST /nope", "GET /", "OPTIONS /health", "DELETE /api/v1/messages/x"] {
        for rest in ["Content-Length: 20\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
            let answer = server.raw(format!("{head} HTTP/1.1\r\nHost: x\r\n{rest}").as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 "), "{head}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_given_up() {
    let store = FakeStore::new();
    let session = a_session();
    SessionRepository::create(&store, session.clone()).await.unwrap();
    // More than the system keeps for a client.
    let long = || NewMessage { content: "x".repeat(16_384), ..a_message(&session.to_session()) };
    store.append((0..1_000).map(|_| long()).collect()).await.unwrap();
    let settings = ServerSettings {
        write_stall_timeout: Duration::from_millis(300),
        // A connection that is kept for its client would hold up the end for so long.
        shutdown_timeout: Duration::from_mins(10),
        ..short_lived()
    };
    let parts = Parts { pages: store.store().pages, settings, ..Parts::default() };
    let server = start_with(parts).await;
    let mut client = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let path = format!("/api/v1/sessions/{}/messages?limit=1000", session.id);
    client.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut head = [0; 12];
    client.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    tokio::time::timeout(Duration::from_mins(1), server.handle.stop(true)).await.expect("nobody is waited for");
    drop(client);
}
