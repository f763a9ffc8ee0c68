//! What callers and tenants may ask, and what they are told when it is too much.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use chat_domain::access::Guard;
use chat_domain::limit::{Limits, Quota, Quotas};
use chat_domain::testing::fake::{FakeAuditLog, FakeClock, FakeRateLimiter};
use chat_http::{AuthMode, LimitSettings, Limiting, TrustedProxies};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::description::Judge;
use crate::server::{Answer, Parts, TestServer, start_with};

/// Whatever takes so long does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// So many at once, and one a second.
pub(crate) fn quota(burst: u32) -> Quota {
    Quota::new(burst.try_into().unwrap(), 1.try_into().unwrap())
}

fn of_callers(requests: u32) -> Limits {
    Limits { caller: Quotas { requests: Some(quota(requests)), messages: None }, tenant: Quotas::default() }
}

/// A server that believes this machine as it would its gateway, and the clock by which its limits live.
async fn limited(limits: Limits) -> (TestServer, FakeClock) {
    let clock = FakeClock::new();
    let settings = LimitSettings { caller: limits.caller, ..LimitSettings::default() };
    let limiting = Limiting::new(Arc::new(FakeRateLimiter::new(limits, clock.clone())), &settings);
    let auth = AuthMode::Gateway(TrustedProxies::new(["127.0.0.1"]).unwrap());
    (start_with(Parts { auth, limits: Some(limiting), ..Parts::default() }).await, clock)
}

/// Limits beside those of a limiter that knows none.
pub(crate) fn beside(settings: &LimitSettings) -> Limiting {
    Limiting::new(Arc::new(FakeRateLimiter::new(Limits::default(), FakeClock::new())), settings)
}

fn by(request: RequestBuilder, tenant: &str, user: &str) -> RequestBuilder {
    request.header("x-tenant-id", tenant).header("x-user-id", user).header("x-user-role", "user")
}

pub(crate) async fn list(server: &TestServer, user: &str) -> Answer {
    Answer::of(by(server.get(&format!("/api/v1/users/{user}/sessions")), "t", user)).await
}

async fn new_session(server: &TestServer, user: &str) -> Answer {
    Answer::of(by(server.post("/api/v1/sessions"), "t", user).json(&json!({"user_id": user}))).await
}

#[tokio::test]
async fn a_caller_has_a_burst_and_is_told_how_it_stands_and_when_to_come_back() {
    let (server, clock) = limited(of_callers(3)).await;
    for left in (0..3).rev() {
        let answer = list(&server, "ann").await;
        answer.expect(StatusCode::OK);
        assert_eq!(answer.header("ratelimit-policy"), r#""requests";q=3;w=3"#);
        assert_eq!(answer.header("ratelimit"), format!(r#""requests";r={left};t={}"#, 3 - left));
    }
    let refused = list(&server, "ann").await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit"), r#""requests";r=0;t=1"#);
    assert_eq!(refused.header("ratelimit-policy"), r#""requests";q=3;w=3"#);
    Judge::new().hold("list_user_sessions", &refused);
    let other = list(&server, "bob").await;
    other.expect(StatusCode::OK);
    Judge::new().hold("list_user_sessions", &other);
    clock.advance_seconds(1);
    list(&server, "ann").await.expect(StatusCode::OK);
    list(&server, "ann").await.problem(429, "rate_limited");
}

#[tokio::test]
async fn nothing_is_done_for_a_refused_request() {
    let (server, clock) = limited(of_callers(1)).await;
    new_session(&server, "ann").await.expect(StatusCode::CREATED);
    for _ in 0..3 {
        new_session(&server, "ann").await.problem(429, "rate_limited");
    }
    clock.advance_seconds(1);
    assert_eq!(list(&server, "ann").await.expect(StatusCode::OK).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn whatever_comes_of_it_a_request_of_a_known_caller_counts() {
    let (server, _) = limited(of_callers(100)).await;
    let mut left = 100;
    for (method, path, status) in [
        (Method::GET, "/api/v1/users/ann/sessions", 200),
        (Method::HEAD, "/api/v1/users/ann/sessions", 200),
        (Method::GET, "/api/v1/chat/users/ann/sessions", 200),
        (Method::GET, "/api/v1/users/bob/sessions", 403),
        (Method::GET, "/metrics", 403),
        (Method::GET, "/api/v1/sessions/x", 422),
        (Method::GET, "/api/v1/nothing", 404),
        (Method::PUT, "/api/v1/sessions", 405),
    ] {
        let answer = Answer::of(by(server.request(method.clone(), path), "t", "ann")).await;
        left -= 1;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert!(answer.header("ratelimit").starts_with(&format!(r#""requests";r={left};"#)), "{method} {path}");
    }
    for (method, path) in
        [(Method::OPTIONS, "/api/v1/sessions"), (Method::GET, "/health"), (Method::GET, "/api/v1/health")]
    {
        let answer = Answer::of(by(server.request(method, path), "t", "ann")).await;
        assert_eq!(answer.header("ratelimit"), "", "{path} is for everybody");
    }
    assert!(list(&server, "ann").await.header("ratelimit").starts_with(r#""requests";r=91;"#));
}

#[tokio::test]
async fn the_figures_are_limited_as_all_else_and_who_may_not_read_them_is_told_to_the_audit() {
    let log = FakeAuditLog::new();
    let limits = Some(Limiting::new(
        Arc::new(FakeRateLimiter::new(of_callers(2), FakeClock::new())),
        &LimitSettings { caller: of_callers(2).caller, ..LimitSettings::default() },
    ));
    let auth = AuthMode::Gateway(TrustedProxies::new(["127.0.0.1"]).unwrap());
    let guard = Guard::new(Arc::new(log.clone()));
    let server = start_with(Parts { guard, auth, limits, ..Parts::default() }).await;
    let ask = async |user: &str, role: &str| {
        let request = server.get("/metrics").header("x-tenant-id", "t").header("x-user-id", user);
        Answer::of(request.header("x-user-role", role)).await
    };
    for left in [1, 0] {
        let answer = ask("al", "admin").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.header("ratelimit").starts_with(&format!(r#""requests";r={left};"#)));
        Judge::new().hold("get_metrics", &answer);
        ask("ann", "user").await.problem(403, "forbidden");
    }
    let refused = ask("al", "admin").await;
    refused.problem(429, "rate_limited");
    Judge::new().hold("get_metrics", &refused);
    ask("ann", "user").await.problem(429, "rate_limited");
    assert_eq!(log.told(), ["denied user ann read_metrics figures all"; 2]);
}

#[tokio::test]
async fn a_limit_on_messages_leaves_reading_alone_and_no_spelling_of_the_path_gets_round_it() {
    let caller = Quotas { requests: Some(quota(100)), messages: Some(quota(2)) };
    let (server, _) = limited(Limits { caller, tenant: Quotas::default() }).await;
    let session = new_session(&server, "ann").await.expect(StatusCode::CREATED);
    let path = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    let write = async |name: &str| {
        let body = json!({"content": "hello"});
        Answer::of(by(server.post(&format!("{path}/{name}")), "t", "ann").json(&body)).await
    };
    let first = write("messages").await;
    first.expect(StatusCode::CREATED);
    assert_eq!(first.header("ratelimit"), r#""requests";r=98;t=2, "messages";r=1;t=1"#);
    assert_eq!(first.header("ratelimit-policy"), r#""requests";q=100;w=100, "messages";q=2;w=2"#);
    write("%6Dessages").await.expect(StatusCode::CREATED);
    for name in ["messages", "%6Dessages", "message%73", "messages?x=/"] {
        let refused = write(name).await;
        refused.problem(429, "rate_limited");
        assert_eq!(refused.header("ratelimit"), r#""messages";r=0;t=1"#, "{name}");
    }
    let read = Answer::of(by(server.get(&format!("{path}/messages")), "t", "ann")).await;
    assert_eq!(read.expect(StatusCode::OK).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_tenants_limit_is_shared_by_its_callers_and_not_told() {
    let tenant = Quotas { requests: Some(quota(3)), messages: None };
    let caller = Quotas { requests: Some(quota(2)), messages: None };
    let (server, _) = limited(Limits { caller, tenant }).await;
    for user in ["ann", "ann", "bob"] {
        list(&server, user).await.expect(StatusCode::OK);
    }
    let refused = list(&server, "bob").await;
    let problem = refused.problem(429, "rate_limited");
    assert!(problem["detail"].as_str().unwrap().contains("tenant"));
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("1", ""));
    assert_eq!(refused.header("ratelimit-policy"), r#""requests";q=2;w=2"#);
    let elsewhere = Answer::of(by(server.get("/api/v1/users/ann/sessions"), "u", "ann")).await;
    elsewhere.expect(StatusCode::OK);
}

#[tokio::test]
async fn in_the_open_mode_where_all_callers_are_one_nobody_is_limited() {
    let limiter = FakeRateLimiter::new(of_callers(1), FakeClock::new());
    let settings = LimitSettings {
        caller: of_callers(1).caller,
        requests_at_once: NonZeroUsize::new(1),
        unauthenticated: Some(quota(1)),
    };
    let limits = Some(Limiting::new(Arc::new(limiter), &settings));
    let server = start_with(Parts { limits, ..Parts::default() }).await;
    for _ in 0..10 {
        let answer = list(&server, "ann").await;
        answer.expect(StatusCode::OK);
        assert_eq!(answer.header("ratelimit"), "");
    }
}

const IDENTITY: &str = "Host: x\r\nX-Tenant-Id: t\r\nX-User-Id: ann\r\nX-User-Role: user\r\n";

/// A request that makes a session, with this framing of its body.
fn raw_session(body: &str) -> String {
    format!("POST /api/v1/sessions HTTP/1.1\r\n{IDENTITY}Content-Type: application/json\r\n{body}")
}

const LENGTH: &str = "Content-Length: 17\r\n\r\n{\"user_id\":\"ann\"}";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"use\r\nc\r\nr_id\":\"ann\"}\r\n0\r\n\r\n";

#[tokio::test]
async fn a_refusal_leaves_the_connection_and_what_was_sent_behind_it_alone() {
    let (server, clock) = limited(of_callers(1)).await;
    for body in [LENGTH, CHUNKED] {
        let requests = [&*raw_session(body), &raw_session(body), &raw_session(body), LIVE].concat();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(requests.as_bytes()).await.unwrap();
        let answers = heads(&mut stream, 4).await;
        let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, ["201", "429", "429", "200"], "{answers}");
        stream.write_all(raw_session(body).as_bytes()).await.unwrap();
        stream.write_all(LIVE.as_bytes()).await.unwrap();
        let answers = answers + &heads(&mut stream, 2).await;
        assert!(!answers.to_ascii_lowercase().contains("connection: close"), "{answers}");
        clock.advance_seconds(1);
    }
}

const LIVE: &str = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";

/// Reads until so many answers have begun.
async fn heads(stream: &mut TcpStream, count: usize) -> String {
    let (mut text, mut piece) = (String::new(), [0; 4_096]);
    while text.matches("HTTP/1.1 ").count() < count {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut piece)).await;
        let read = read.expect("an answer comes").unwrap();
        assert_ne!(read, 0, "the connection goes on: {text}");
        text += &String::from_utf8_lossy(&piece[..read]);
    }
    text
}

#[tokio::test]
async fn a_refusal_waits_for_no_body() {
    let (server, _) = limited(of_callers(1)).await;
    list(&server, "ann").await.expect(StatusCode::OK);
    for body in
        ["Content-Length: 17\r\n\r\n{", "Content-Length: 200000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\n{"]
    {
        let answer = server.raw(raw_session(body).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_caller_may_have_so_many_requests_under_way_and_others_have_theirs() {
    let auth = AuthMode::Gateway(TrustedProxies::new(["127.0.0.1"]).unwrap());
    let caller = of_callers(1_000).caller;
    let settings = LimitSettings { caller, requests_at_once: NonZeroUsize::new(2), ..LimitSettings::default() };
    let server = start_with(Parts { auth, limits: Some(beside(&settings)), ..Parts::default() }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(raw_session("Content-Length: 17\r\n\r\n{").as_bytes()).await.unwrap();
        held.push(stream);
    }
    // The two are under way once the third is refused.
    let refused = async {
        loop {
            let answer = list(&server, "ann").await;
            if answer.status != StatusCode::OK {
                return answer;
            }
        }
    };
    let refused = tokio::time::timeout(PATIENCE, refused).await.expect("the third is refused");
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit-policy"), r#""requests";q=1000;w=1000"#);
    assert_eq!(refused.header("ratelimit"), r#""requests";r=0;t=1"#);
    list(&server, "bob").await.expect(StatusCode::OK);
    for stream in &mut held {
        stream.write_all(b"\"user_id\":\"ann\"}").await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 201");
    }
    list(&server, "ann").await.expect(StatusCode::OK);
}
