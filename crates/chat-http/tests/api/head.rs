//! Heads of requests: how large they may be, and what becomes of the connection.

use std::time::Duration;

use chat_http::ServerSettings;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{Answer, Parts, TestServer, start, start_with};

const KIB: usize = 1024;
const END: &str = "\r\n\r\n";

/// All but the end of a request that asks whether the process lives, with so many bytes of headers.
fn head(bytes: usize) -> String {
    padded("GET /health/live", bytes)
}

fn padded(first: &str, bytes: usize) -> String {
    let values = "x".repeat(bytes - 40);
    let (one, other) = values.split_at(values.len() / 2);
    format!("{first} HTTP/1.1\r\nHost: localhost\r\nX-Padding-One: {one}\r\nX-Padding-Two: {other}")
}

fn is_problem(answer: &str) -> bool {
    let document = answer.split_once(END).map_or("", |(_, document)| document);
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    answer.starts_with("HTTP/1.1 431 ")
        && answer.contains("application/problem+json")
        && answer.to_ascii_lowercase().contains("connection: close")
        && document["code"] == "head_too_large"
}

/// One answer, which must be a success with a length.
async fn served(stream: &mut TcpStream) {
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
}

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_431_and_the_end_of_its_connection() {
    let server = start().await;
    let target = format!("GET /health/live?{}", "x".repeat(17 * KIB));
    for large in [head(17 * KIB), head(30 * KIB), padded(&target, 40), padded("POST /nope", 17 * KIB)] {
        let answer = server.raw((large + END).as_bytes()).await;
        assert!(is_problem(&answer), "{answer}");
    }
}

#[tokio::test]
async fn a_later_head_that_is_too_large_is_a_431_too_and_nothing_is_done() {
    let server = start().await;
    let path = server.session_path().await;
    let mut stream = connect(&server).await;
    stream.write_all((head(KIB) + END).as_bytes()).await.unwrap();
    served(&mut stream).await;
    stream.write_all((padded(&format!("DELETE {path}"), 17 * KIB) + END).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(is_problem(&answer), "{answer}");
    let session = Answer::of(server.get(&path)).await.expect(StatusCode::OK);
    assert_eq!(session["status"], "active");
}

#[tokio::test]
async fn heads_that_may_be_so_large_are_served_one_after_the_other_however_they_are_cut() {
    let server = start().await;
    let mut stream = connect(&server).await;
    let large = head(15 * KIB) + END;
    for pieces in [large.len(), 5_000, 1_000] {
        for piece in large.as_bytes().chunks(pieces) {
            stream.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        served(&mut stream).await;
    }
}

#[tokio::test]
async fn many_small_requests_at_once_are_no_large_head() {
    let server = start().await;
    let one = "GET /nope HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut stream = connect(&server).await;
    let (mut read, mut write) = stream.split();
    let asked = format!("{}{last}", one.repeat(3_000));
    let mut answers = String::new();
    let (sent, taken) = tokio::join!(write.write_all(asked.as_bytes()), read.read_to_string(&mut answers));
    sent.unwrap();
    taken.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 404 ").count(), 3_000);
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 1);
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off_before_it_takes_much() {
    // Not because it is overdue.
    let settings = ServerSettings { head_timeout: Duration::from_mins(10), ..Parts::default().settings };
    let server = start_with(Parts { settings, ..Parts::default() }).await;
    for before in [0, 1] {
        let mut stream = connect(&server).await;
        for _ in 0..before {
            stream.write_all((head(KIB) + END).as_bytes()).await.unwrap();
            served(&mut stream).await;
        }
        // The last piece may come after the end.
        _ = stream.write_all(head(40 * KIB).as_bytes()).await;
        let mut answer = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        // What was not read of the head may have become a reset, which can overtake the answer.
        let is_told = answer.starts_with(b"HTTP/1.1 431 ");
        assert!(end.expect("it is cut off").is_err() || is_told, "{}", String::from_utf8_lossy(&answer));
    }
}
