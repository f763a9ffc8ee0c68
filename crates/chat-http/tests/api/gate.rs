//! Who gets in with a token, and what those are told who do not.

use std::sync::Arc;

use chat_domain::access::{Refusal, Role, TokenVerifier};
use chat_domain::clock::Clock as _;
use chat_domain::testing::fake::{FakeClock, FakeTokens};
use chat_http::{AuthMode, CorsOrigins};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::observe::{lines_of, record_log};
use crate::server::{Answer, Parts, TestServer, start_with};

async fn guarded(tokens: &FakeTokens) -> TestServer {
    let verifier: Arc<dyn TokenVerifier> = Arc::new(tokens.clone());
    start_with(Parts { auth: AuthMode::Jwt(verifier), ..Parts::default() }).await
}

pub(crate) fn tokens() -> FakeTokens {
    FakeTokens::new(FakeClock::new())
}

fn claims(sub: &str, role: &str) -> Value {
    let exp = FakeClock::new().now().plus_seconds(600).as_micros() / 1_000_000;
    json!({"sub": sub, "tenant_id": "acme", "role": role, "exp": exp})
}

pub(crate) fn token(tokens: &FakeTokens, sub: &str, role: Role) -> String {
    tokens.sign(&claims(sub, role.as_str()).to_string())
}

/// Holds the answer to be a 401 that says why, in all its parts.
#[track_caller]
fn refused(answer: &Answer, refusal: Refusal) {
    let problem = answer.problem(401, refusal.code());
    assert_eq!(problem["detail"], refusal.detail());
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer realm=\"chorus\""), "{challenge}");
}

/// Each operation of the document, and whether it is for known callers alone.
fn operations() -> Vec<(Method, String, bool)> {
    let document: Value = serde_json::from_str(&chat_http::openapi::json()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                continue;
            }
            let concrete = path.replace('{', "x").replace('}', "");
            operations.push((method, concrete, operation["security"].is_array()));
        }
    }
    assert!(operations.len() > 10);
    operations
}

#[tokio::test]
async fn no_operation_of_the_document_is_open_that_should_not_be() {
    let (tokens, mut guarded_ones) = (tokens(), 0);
    let server = guarded(&tokens).await;
    let admin = token(&tokens, "al", Role::Admin);
    for (method, path, needs_caller) in operations() {
        for path in [path.clone(), path.replace("/api/v1/", "/api/v1/chat/")] {
            let without = Answer::of(server.request(method.clone(), &path)).await;
            if needs_caller {
                guarded_ones += 1;
                refused(&without, Refusal::MissingToken);
            } else {
                assert_ne!(without.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            }
            let with = Answer::of(server.request(method.clone(), &path).bearer_auth(&admin)).await;
            assert_ne!(with.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_ne!(with.status, StatusCode::INTERNAL_SERVER_ERROR, "{method} {path}");
        }
    }
    assert!(guarded_ones > 10);
}

#[tokio::test]
async fn a_stranger_cannot_tell_paths_that_exist_from_others() {
    let server = guarded(&tokens()).await;
    for path in
        ["/api/v1", "/api/v1/", "/api/v1/nope", "/api/v1/chat/nope", "/api/v1/sessions/x/y/z", "/api/v1/health/x"]
    {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE] {
            let answer = Answer::of(server.request(method.clone(), path)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        }
    }
    let known = server.request(Method::PUT, "/api/v1/sessions");
    refused(&Answer::of(known).await, Refusal::MissingToken);
}

#[tokio::test]
async fn what_is_for_everybody_needs_no_token() {
    let server = guarded(&tokens()).await;
    for path in [
        "/",
        "/health",
        "/health/live",
        "/health/ready",
        "/api/v1/health",
        "/api/v1/chat/health",
        "/docs/",
        "/openapi.json",
    ] {
        assert_eq!(Answer::of(server.get(path)).await.status, StatusCode::OK, "{path}");
        let bad = server.get(path).header("authorization", "Bearer garbage");
        assert_eq!(Answer::of(bad).await.status, StatusCode::OK, "{path}");
    }
    Answer::of(server.get("/nope")).await.problem(404, "not_found");
    for path in ["/api/v1/sessions", "/api/v1/chat/sessions", "/metrics"] {
        let answer = Answer::of(server.request(Method::OPTIONS, path)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}");
    }
}

#[tokio::test]
async fn the_caller_is_who_the_token_says_whatever_the_headers_say() {
    let tokens = tokens();
    let server = guarded(&tokens).await;
    let ann = token(&tokens, "ann", Role::User);
    let dressed_up = |request: RequestBuilder| {
        request
            .bearer_auth(&ann)
            .header("x-tenant-id", "other")
            .header("x-user-id", "eve")
            .header("x-user-role", "admin")
    };
    let create = dressed_up(server.post("/api/v1/sessions")).json(&json!({"user_id": "ann"}));
    let session = Answer::of(create).await.expect(StatusCode::CREATED);
    assert_eq!((&session["tenant_id"], &session["user_id"]), (&json!("acme"), &json!("ann")));
    let foreign = dressed_up(server.post("/api/v1/sessions")).json(&json!({"user_id": "eve"}));
    Answer::of(foreign).await.problem(403, "forbidden");
    let path = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    let eve = token(&tokens, "eve", Role::User);
    Answer::of(server.get(&path).bearer_auth(&eve)).await.problem(404, "session_not_found");
}

#[tokio::test]
async fn each_way_to_send_no_good_token_is_told_apart() {
    let tokens = tokens();
    let server = guarded(&tokens).await;
    let good = token(&tokens, "ann", Role::User);
    let answer = async |values: &[&str]| {
        let request = values
            .iter()
            .fold(server.get("/api/v1/users/ann/sessions"), |request, value| request.header("authorization", *value));
        Answer::of(request).await
    };
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        answer(&[&format!("{scheme} {good}")]).await.expect(StatusCode::OK);
    }
    refused(&answer(&[]).await, Refusal::MissingToken);
    refused(&answer(&["Bearer"]).await, Refusal::MissingToken);
    refused(&answer(&["Basic YW5uOnNlY3JldA=="]).await, Refusal::UnsupportedScheme);
    refused(&answer(&[&good]).await, Refusal::UnsupportedScheme);
    let bearer = format!("Bearer {good}");
    refused(&answer(&[&bearer, &bearer]).await, Refusal::RepeatedAuthorization);
    refused(&answer(&[&format!("{bearer}, {bearer}")]).await, Refusal::MalformedToken);
    refused(&answer(&[&format!("{bearer} {good}")]).await, Refusal::MalformedToken);
    refused(&answer(&["Bearer ü.ü"]).await, Refusal::MalformedToken);
    refused(&answer(&[&format!("Bearer {}", "x".repeat(12 * 1024))]).await, Refusal::TokenTooLong);
    refused(&answer(&["Bearer fake.unknown.token"]).await, Refusal::BadSignature);
}

#[tokio::test]
async fn nothing_of_a_token_is_told_to_anybody() {
    record_log();
    let tokens = tokens();
    let server = guarded(&tokens).await;
    let mut expired = claims("topsecret-subject", "user");
    expired["exp"] = json!(1);
    let mut unknown = claims("topsecret-subject", "topsecret-role");
    unknown["tenant_id"] = json!("topsecret-tenant");
    for (number, token) in [
        "topsecret-garbage".to_owned(),
        "topsecret.a.token".to_owned(),
        tokens.sign(&expired.to_string()),
        tokens.sign(&unknown.to_string()),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("token-{number}");
        let answer = Answer::of(server.get("/api/v1/sessions/x").bearer_auth(&token).header("x-request-id", &id)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(!answer.text().contains("topsecret") && !format!("{:?}", answer.headers).contains("topsecret"));
        let lines = lines_of(&id);
        assert!(!lines.is_empty());
        assert!(lines.iter().all(|line| !line.contains("topsecret") && !line.contains(&token)), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains(answer.json()["code"].as_str().unwrap())), "{lines:?}");
    }
}

#[tokio::test]
async fn without_keys_nobody_is_told_that_its_token_is_bad() {
    let tokens = tokens();
    let server = guarded(&tokens).await;
    let good = token(&tokens, "ann", Role::User);
    tokens.lose_keys();
    let answer = Answer::of(server.get("/api/v1/users/ann/sessions").bearer_auth(&good)).await;
    answer.problem(503, "keys_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("www-authenticate"), "");
}

#[tokio::test]
async fn the_figures_are_for_those_who_run_the_service() {
    let tokens = tokens();
    let server = guarded(&tokens).await;
    refused(&Answer::of(server.get("/metrics")).await, Refusal::MissingToken);
    for role in Role::ALL {
        let answer = Answer::of(server.get("/metrics").bearer_auth(token(&tokens, "al", role))).await;
        match role {
            Role::Admin | Role::Service => assert!(answer.text().contains("chat_http_requests_total")),
            Role::User | Role::Agent | Role::Supervisor => drop(answer.problem(403, "forbidden")),
        }
    }
}

#[tokio::test]
async fn a_page_of_a_listed_origin_is_asked_for_its_token_and_can_read_why() {
    let verifier: Arc<dyn TokenVerifier> = Arc::new(tokens());
    let cors = CorsOrigins::new(["https://a.example"]).unwrap();
    let server = start_with(Parts { auth: AuthMode::Jwt(verifier), cors, ..Parts::default() }).await;
    let asked = server.request(Method::OPTIONS, "/api/v1/sessions").header("origin", "https://a.example");
    let asked = asked.header("access-control-request-method", "POST");
    let asked = Answer::of(asked.header("access-control-request-headers", "authorization,content-type")).await;
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (StatusCode::OK, "https://a.example"));
    let answer = Answer::of(server.post("/api/v1/sessions").header("origin", "https://a.example")).await;
    refused(&answer, Refusal::MissingToken);
    assert_eq!(answer.header("access-control-allow-origin"), "https://a.example");
}

#[tokio::test]
async fn a_body_that_nobody_may_send_is_not_read() {
    let server = guarded(&tokens()).await;
    let answer = server
        .raw(b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 200000\r\n\r\n{")
        .await;
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("missing_token"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
}
