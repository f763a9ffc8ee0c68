//! What one address may do whose callers nobody knows, and how many connections it may hold.

use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::access::{Identity, Role, TokenError, TokenVerifier};
use chat_domain::testing::fake::FakeTokens;
use chat_http::{AuthMode, ConnectionLimit, LimitSettings, TrustedProxies};
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::gate::{token, tokens};
use crate::limit::{PATIENCE, beside, list, quota};
use crate::server::{Answer, Parts, TestServer, start_with};

#[tokio::test]
async fn an_address_that_never_says_who_calls_is_soon_not_listened_to() {
    let auth = AuthMode::Gateway(TrustedProxies::new(["192.0.2.1"]).unwrap());
    let settings = LimitSettings { unauthenticated: Some(quota(3)), ..LimitSettings::default() };
    let server = start_with(Parts { auth, limits: Some(beside(&settings)), ..Parts::default() }).await;
    for _ in 0..3 {
        list(&server, "ann").await.problem(401, "untrusted_proxy");
    }
    let refused = list(&server, "ann").await;
    refused.problem(429, "rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(refused.header("ratelimit"), "");
    Answer::of(server.get("/health/live")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn who_shares_an_address_with_such_a_one_and_has_a_good_token_is_served() {
    let tokens = tokens();
    let verifier: Arc<dyn TokenVerifier> = Arc::new(FakeTokens::clone(&tokens));
    let settings = LimitSettings { unauthenticated: Some(quota(3)), ..LimitSettings::default() };
    let parts = Parts { auth: AuthMode::Jwt(verifier), limits: Some(beside(&settings)), ..Parts::default() };
    let server = start_with(parts).await;
    let with = |token: &str| server.get("/api/v1/users/ann/sessions").bearer_auth(token);
    let (known, unknown) = (token(&tokens, "ann", Role::User), token(&tokens, "ann", Role::User));
    Answer::of(with(&known)).await.expect(StatusCode::OK);
    for _ in 0..3 {
        Answer::of(with("a.b.c")).await.problem(401, "bad_signature");
    }
    Answer::of(with("a.b.c")).await.problem(429, "rate_limited");
    Answer::of(with(&known)).await.expect(StatusCode::OK);
    Answer::of(with(&unknown)).await.expect(StatusCode::OK);
    Answer::of(with("a.b.c")).await.problem(429, "rate_limited");
    tokens.lose_keys();
    let unchecked = token(&tokens, "bob", Role::User);
    Answer::of(with(&unchecked)).await.problem(503, "keys_unavailable");
}

/// Waits for a key that never comes.
struct Waiting(FakeTokens);

#[async_trait]
impl TokenVerifier for Waiting {
    fn recall(&self, token: &str) -> Option<Identity> {
        self.0.recall(token)
    }

    fn check(&self, token: &str) -> Result<Identity, TokenError> {
        self.0.check(token)
    }

    async fn verify(&self, _: &str) -> Result<Identity, TokenError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn such_an_address_does_not_wait_for_keys_that_its_tokens_name() {
    let tokens = tokens();
    let verifier: Arc<dyn TokenVerifier> = Arc::new(Waiting(tokens.clone()));
    let settings = LimitSettings { unauthenticated: Some(quota(3)), ..LimitSettings::default() };
    let parts = Parts { auth: AuthMode::Jwt(verifier), limits: Some(beside(&settings)), ..Parts::default() };
    let server = start_with(parts).await;
    for _ in 0..3 {
        Answer::of(server.get("/api/v1/users/ann/sessions")).await.problem(401, "missing_token");
    }
    let with = |token: &str| server.get("/api/v1/users/ann/sessions").bearer_auth(token).timeout(PATIENCE);
    Answer::of(with("a.b.c")).await.problem(429, "rate_limited");
    Answer::of(with(&token(&tokens, "ann", Role::User))).await.expect(StatusCode::OK);
}

/// Whether the server answers on a new connection, which is given back.
async fn is_served(server: &TestServer) -> (bool, TcpStream) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut answer = [0; 12];
    _ = stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let read = stream.read_exact(&mut answer).await;
    (read.is_ok() && &answer == b"HTTP/1.1 200", stream)
}

#[tokio::test]
async fn an_address_may_hold_so_many_connections_and_the_next_is_closed() {
    let most = NonZeroUsize::new(3).unwrap();
    let limit = ConnectionLimit { most, exempt: TrustedProxies::default(), exempt_loopback: false };
    let mut parts = Parts::default();
    parts.settings.connection_limit = Some(limit);
    let server = start_with(parts).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let (served, stream) = is_served(&server).await;
        assert!(served);
        held.push(stream);
    }
    for _ in 0..3 {
        assert!(!is_served(&server).await.0);
    }
    held.pop();
    let served_again = async { while !is_served(&server).await.0 {} };
    tokio::time::timeout(PATIENCE, served_again).await.expect("a place that is free is given away");
}
