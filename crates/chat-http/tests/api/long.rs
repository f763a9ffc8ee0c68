//! Answers that are sent in pieces, and clients that let them wait.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Decompress;
use actix_web::error::PayloadError;
use actix_web::http::header::ContentEncoding;
use bytes::Bytes;
use chat_domain::limit::Limits;
use chat_domain::message::{MessageRepository as _, NewMessage};
use chat_domain::session::{NewSession, SessionRepository};
use chat_domain::testing::builder::{a_message, a_session, participant};
use chat_domain::testing::fake::{FakeClock, FakeRateLimiter, FakeStore};
use chat_http::{AuthMode, LimitSettings, Limiting, ServerSettings, TrustedProxies};
use futures_util::{StreamExt as _, stream};
use reqwest::{Method, RequestBuilder, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::server::{Answer, Parts, TestServer, start_with};

/// Messages whose list is more than a system keeps for a client that does not read.
const BEYOND_SOCKETS: u32 = 1_000;
/// The least that such a list is long.
const BYTES: usize = 16_384_000;
/// Whatever takes so long does not come.
const PATIENCE: Duration = Duration::from_mins(1);

/// A store with so many messages of 16 KiB in one session of the user `ann`, and the path of their list.
async fn filled(messages: u32) -> (FakeStore, String) {
    let store = FakeStore::new();
    let session = NewSession { user_id: participant("ann"), ..a_session() };
    SessionRepository::create(&store, session.clone()).await.unwrap();
    // In no order, so that compressing it leaves something.
    let word = |number: u32| format!("{:08x}", number.wrapping_mul(2_654_435_761));
    let content = |number: u32| (number * 2_048..(number + 1) * 2_048).map(word).collect();
    let long = |number| NewMessage { content: content(number), ..a_message(&session.to_session()) };
    store.append((0..messages).map(long).collect()).await.unwrap();
    (store, format!("/api/v1/sessions/{}/messages?limit=1000", session.id))
}

fn of(store: &FakeStore) -> Parts {
    let mut parts = Parts::on(store.store());
    // A connection that is kept for its client would hold up the end for so long.
    parts.settings.shutdown_timeout = Duration::from_mins(10);
    parts
}

/// Somebody who has asked for this, has read where the answer begins, and reads no more.
async fn asked(server: &TestServer, path: &str, headers: &str) -> (TcpStream, String) {
    let mut client = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    client.read_exact(&mut status).await.unwrap();
    (client, String::from_utf8_lossy(&status[9..]).into_owned())
}

async fn unpacked(encoding: ContentEncoding, packed: Vec<u8>) -> Vec<u8> {
    let packed = stream::iter([Ok::<_, PayloadError>(Bytes::from(packed))]);
    let pieces = Decompress::new(packed, encoding).map(Result::unwrap).collect::<Vec<_>>();
    pieces.await.concat()
}

#[tokio::test]
async fn a_long_answer_is_whole_however_it_is_asked_for() {
    let (store, path) = filled(40).await;
    let server = start_with(of(&store)).await;
    let plain = Answer::of(server.get(&path)).await;
    assert_eq!(plain.expect(StatusCode::OK).as_array().unwrap().len(), 40);
    assert!(plain.bytes.len() > 40 * 16_384);
    let length = plain.bytes.len().to_string();
    assert_eq!((plain.header("content-length"), plain.header("transfer-encoding")), (&*length, ""));
    let head = Answer::of(server.request(Method::HEAD, &path)).await;
    assert_eq!((head.header("content-length"), head.bytes.len()), (&*length, 0));
    for encoding in [ContentEncoding::Gzip, ContentEncoding::Zstd] {
        let packed = Answer::of(server.get(&path).header("accept-encoding", encoding.as_str())).await;
        assert_eq!(packed.header("content-encoding"), encoding.as_str());
        assert!(packed.bytes.len() < plain.bytes.len());
        assert!(unpacked(encoding, packed.bytes).await == plain.bytes, "{encoding:?}");
    }
}

#[tokio::test]
async fn a_connection_goes_on_after_a_long_answer() {
    let (store, path) = filled(40).await;
    let server = start_with(of(&store)).await;
    let length = Answer::of(server.get(&path)).await.bytes.len();
    let mut client = TcpStream::connect(server.address).await.unwrap();
    let ask = |last: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n{last}\r\n");
    client.write_all([ask(""), ask("Connection: close\r\n")].concat().as_bytes()).await.unwrap();
    let mut answers = Vec::new();
    tokio::time::timeout(PATIENCE, client.read_to_end(&mut answers)).await.unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&answers).matches("HTTP/1.1 200 OK").count(), 2);
    assert!((2 * length..2 * length + 4_000).contains(&answers.len()));
}

fn as_ann(request: RequestBuilder) -> RequestBuilder {
    request.header("x-tenant-id", "default").header("x-user-id", "ann").header("x-user-role", "user")
}

#[tokio::test]
async fn an_answer_that_its_caller_does_not_read_counts_as_a_request_under_way() {
    let (store, path) = filled(BEYOND_SOCKETS).await;
    let limiter = Arc::new(FakeRateLimiter::new(Limits::default(), FakeClock::new()));
    let settings = LimitSettings { requests_at_once: NonZeroUsize::new(2), ..LimitSettings::default() };
    let auth = AuthMode::Gateway(TrustedProxies::new(["127.0.0.1"]).unwrap());
    let server = start_with(Parts { auth, limits: Some(Limiting::new(limiter, &settings)), ..of(&store) }).await;
    let ask = || as_ann(server.get("/api/v1/users/ann/sessions"));
    let headers = "X-Tenant-Id: default\r\nX-User-Id: ann\r\nX-User-Role: user\r\n";
    let mut slow = Vec::new();
    for _ in 0..2 {
        Answer::of(ask()).await.expect(StatusCode::OK);
        let (client, status) = asked(&server, &path, headers).await;
        assert_eq!(status, "200");
        slow.push(client);
    }
    Answer::of(ask()).await.problem(429, "rate_limited");
    // One of them reads after all, the other leaves.
    let mut rest = vec![0; 1 << 20];
    let (mut reader, mut read) = (slow.pop().unwrap(), 0);
    while read < BYTES {
        read += tokio::time::timeout(PATIENCE, reader.read(&mut rest)).await.unwrap().unwrap();
    }
    let served_again = async { while Answer::of(ask()).await.status != StatusCode::OK {} };
    tokio::time::timeout(PATIENCE, served_again).await.expect("who has read may ask again");
    let (another, status) = asked(&server, &path, headers).await;
    assert_eq!(status, "200");
    Answer::of(ask()).await.problem(429, "rate_limited");
    drop((slow, another));
    let served_again = async { while Answer::of(ask()).await.status != StatusCode::OK {} };
    tokio::time::timeout(PATIENCE, served_again).await.expect("who has left may ask again");
}

#[tokio::test]
async fn long_answers_that_nobody_reads_take_so_much_memory_and_others_are_served() {
    let (store, path) = filled(BEYOND_SOCKETS).await;
    let mut parts = of(&store);
    parts.settings.long_answer_bytes = 3 * BYTES;
    parts.settings.answer_bytes = 0;
    let server = start_with(parts).await;
    let mut slow = Vec::new();
    for expected in ["200", "200", "200", "503"] {
        let (client, status) = asked(&server, &path, "").await;
        assert_eq!(status, expected);
        slow.push(client);
    }
    let refused = Answer::of(server.get(&path)).await;
    refused.problem(503, "store_unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    Answer::of(server.get("/api/v1/users/ann/sessions")).await.expect(StatusCode::OK);
    let short = path.replace("limit=1000", "limit=2");
    Answer::of(server.get(&short)).await.expect(StatusCode::OK);
    drop(slow);
    let served_again = async { while Answer::of(server.get(&path)).await.status != StatusCode::OK {} };
    tokio::time::timeout(PATIENCE, served_again).await.expect("there is room again");
}

#[tokio::test]
async fn a_client_that_reads_slowly_but_steadily_is_not_cut_off() {
    let (store, path) = filled(BEYOND_SOCKETS).await;
    let mut parts = of(&store);
    // It takes several times what it has to, and a fraction of what a system keeps that is left to itself.
    parts.settings.write_stall_timeout = Duration::from_secs(2);
    let (piece, pause, most) = (30_000, Duration::from_millis(100), 1_500_000);
    let server = start_with(parts).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut client = socket.connect(server.address).await.unwrap();
    client.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    let (mut buffer, mut read) = (vec![0; piece], 0);
    while read < most {
        tokio::time::sleep(pause).await;
        let taken =
            client.read(&mut buffer).await.unwrap_or_else(|error| panic!("cut off after {read} bytes: {error}"));
        assert!(taken > 0, "the answer ends after {read} bytes");
        read += taken;
    }
}

#[tokio::test]
async fn a_client_that_drips_is_cut_off_and_told_so_whatever_it_has_not_read() {
    let (store, path) = filled(BEYOND_SOCKETS).await;
    let mut parts = of(&store);
    parts.settings = ServerSettings { write_stall_timeout: Duration::from_millis(500), ..parts.settings };
    let server = start_with(parts).await;
    for headers in ["", "Accept-Encoding: gzip\r\n", "Accept-Encoding: zstd\r\n"] {
        let (mut client, status) = asked(&server, &path, headers).await;
        assert_eq!(status, "200");
        let cut = async {
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if let Some(error) = client.take_error().unwrap() {
                    return error;
                }
                if let Err(error) = client.read(&mut [0; 8]).await {
                    return error;
                }
            }
        };
        let cut = tokio::time::timeout(PATIENCE, cut).await.expect("the client is told");
        assert_eq!(cut.kind(), std::io::ErrorKind::ConnectionReset, "{headers}");
    }
}
