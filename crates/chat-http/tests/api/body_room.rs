//! Large bodies that many clients hold back the end of.

use std::time::Duration;

use chat_http::ServerSettings;
use futures_util::future::select_all;
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{Answer, Parts, TestServer, figures, start_with};

/// Whatever takes so long does not come.
const PATIENCE: Duration = Duration::from_mins(1);
const KIB: usize = 1024;
/// The largest body there may be. It is counted, and all of it as soon as it is longer than 8 KiB.
const LARGE: usize = 9 * KIB;

/// A server that has room for three large bodies.
async fn with_room(settings: ServerSettings) -> TestServer {
    let settings = ServerSettings { workers: 2, max_body_bytes: LARGE, held_body_bytes: 3 * LARGE, ..settings };
    start_with(Parts { settings, ..Parts::default() }).await
}

/// A body of so many bytes that asks for a session.
fn body(length: usize) -> String {
    let asked = r#"{"user_id":"ann"}"#;
    asked.to_owned() + &" ".repeat(length - asked.len())
}

/// Somebody who sends all of a body but its last byte.
async fn nearly_all(server: &TestServer, length: usize) -> TcpStream {
    sent(server, &format!("Content-Length: {length}\r\n\r\n"), length).await
}

/// The same, without telling how long it is.
async fn nearly_all_in_chunks(server: &TestServer, length: usize) -> TcpStream {
    sent(server, &format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n"), length).await
}

async fn sent(server: &TestServer, before: &str, length: usize) -> TcpStream {
    let mut client = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
    client.write_all(format!("{head}\r\n{before}").as_bytes()).await.unwrap();
    client.write_all(body(length - 1).as_bytes()).await.unwrap();
    client
}

async fn answer(client: &mut TcpStream) -> String {
    let mut answer = vec![0; 4_096];
    let length = tokio::time::timeout(PATIENCE, client.read(&mut answer)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

async fn whole(server: &TestServer, length: usize) -> Answer {
    let request = server.post("/api/v1/sessions").header("content-type", "application/json").body(body(length));
    Answer::of(request).await
}

/// Waits until a large body finds room.
async fn until_there_is_room(server: &TestServer) {
    let tried = async { while whole(server, LARGE).await.status != StatusCode::CREATED {} };
    tokio::time::timeout(PATIENCE, tried).await.expect("there is room again");
}

/// Three clients that hold all the room, and no more: a fourth was refused.
async fn filled(server: &TestServer) -> Vec<TcpStream> {
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(nearly_all(server, LARGE).await);
    }
    let answered = select_all(clients.iter().map(|client| Box::pin(client.readable())));
    let (_, refused, _) = tokio::time::timeout(PATIENCE, answered).await.expect("one is refused");
    let refused = answer(&mut clients.remove(refused)).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("connection: close"), "{refused}");
    clients
}

fn refusals() -> f64 {
    let scrape = figures().render();
    let line = scrape.lines().find_map(|line| line.strip_prefix("chat_http_body_refusals_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn large_bodies_that_are_held_back_take_so_much_memory_and_others_are_served() {
    let server = with_room(ServerSettings::default()).await;
    let mut clients = filled(&server).await;
    let before = refusals();
    let refused = whole(&server, LARGE).await;
    refused.problem(503, "store_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    let in_chunks = answer(&mut nearly_all_in_chunks(&server, LARGE).await).await;
    assert!(in_chunks.starts_with("HTTP/1.1 503"), "{in_chunks}");
    assert!(refusals() >= before + 2.0);
    whole(&server, 4 * KIB).await.expect(StatusCode::CREATED);
    Answer::of(server.get("/health")).await.expect(StatusCode::OK);
    // What they have sent is good once its end comes.
    for client in &mut clients {
        client.write_all(b" ").await.unwrap();
        let late = answer(client).await;
        assert!(late.starts_with("HTTP/1.1 201"), "{late}");
    }
    whole(&server, LARGE).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_the_room_of_its_body() {
    let server = with_room(ServerSettings::default()).await;
    drop(filled(&server).await);
    until_there_is_room(&server).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_leaves_its_room() {
    // All of them must be there before the first of them is gone.
    let stall = Duration::from_secs(5);
    let server = with_room(ServerSettings { body_stall_timeout: stall, ..ServerSettings::default() }).await;
    let mut clients = filled(&server).await;
    for client in &mut clients {
        let late = answer(client).await;
        assert!(late.starts_with("HTTP/1.1 408"), "{late}");
    }
    until_there_is_room(&server).await;
}

#[tokio::test]
async fn a_body_of_the_largest_size_is_taken_in_whole() {
    let server = start_with(Parts::default()).await;
    let content = "x".repeat(16_000);
    let session = server.session_path().await;
    let mut padded = json!({"content": content, "sender_type": "user", "sender_id": "ann"}).to_string();
    padded.push_str(&" ".repeat(256 * KIB - padded.len()));
    let request = server.post(&format!("{session}/messages")).header("content-type", "application/json").body(padded);
    assert_eq!(Answer::of(request).await.expect(StatusCode::CREATED)["content"], content);
}
