//! What browsers are told.

use chat_http::CorsOrigins;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::server::{Answer, Parts, TestServer, start, start_with};

async fn allowing(origins: &[&str]) -> TestServer {
    start_with(Parts { cors: CorsOrigins::new(origins).unwrap(), ..Parts::default() }).await
}

async fn preflight(server: &TestServer, origin: &str, method: &str) -> Answer {
    let request = server.request(Method::OPTIONS, "/api/v1/sessions").header("origin", origin);
    let request = request.header("access-control-request-method", method);
    Answer::of(request.header("access-control-request-headers", "content-type,idempotency-key,x-user-id,tracestate"))
        .await
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_call_and_read() {
    let server = allowing(&["https://a.example", "http://localhost:3000"]).await;
    for origin in ["https://a.example", "http://localhost:3000"] {
        let asked = preflight(&server, origin, "PATCH").await;
        assert_eq!(asked.status, StatusCode::OK);
        assert_eq!(asked.header("access-control-allow-origin"), origin);
        assert_eq!(asked.header("access-control-allow-credentials"), "true");
        assert!(asked.header("access-control-allow-headers").to_ascii_lowercase().contains("idempotency-key"));
        let request = server.post("/api/v1/sessions").header("origin", origin).json(&json!({"user_id": "ann"}));
        let answer = Answer::of(request).await;
        answer.expect(StatusCode::CREATED);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        let exposed = answer.header("access-control-expose-headers").to_ascii_lowercase();
        for name in [
            "link",
            "etag",
            "location",
            "retry-after",
            "ratelimit",
            "ratelimit-policy",
            "idempotent-replayed",
            "x-request-id",
        ] {
            assert!(exposed.split([',', ' ']).any(|exposed| exposed == name), "{name}: {exposed}");
        }
    }
}

#[tokio::test]
async fn errors_can_be_read_by_a_listed_origin_too() {
    let server = allowing(&["https://a.example"]).await;
    for path in ["/api/v1/sessions/x", "/nope"] {
        let answer = Answer::of(server.get(path).header("origin", "https://a.example")).await;
        assert!(answer.status.is_client_error());
        assert_eq!(answer.header("access-control-allow-origin"), "https://a.example", "{path}");
    }
    let unreadable = server.get("/").header("accept-encoding", "br, identity;q=0");
    let unreadable = Answer::of(unreadable.header("origin", "https://a.example")).await;
    unreadable.problem(406, "not_acceptable");
    assert_eq!(unreadable.header("access-control-allow-origin"), "https://a.example");
    assert!(unreadable.header("vary").to_ascii_lowercase().contains("accept-encoding, origin"));
}

#[tokio::test]
async fn a_page_of_another_origin_is_told_nothing() {
    let server = allowing(&["https://a.example"]).await;
    for origin in ["https://b.example", "https://a.example.evil", "http://a.example", "null"] {
        let asked = preflight(&server, origin, "POST").await;
        asked.problem(403, "cors_refused");
        assert_eq!(asked.header("access-control-allow-origin"), "");
        let answer = Answer::of(server.get("/health/live").header("origin", origin)).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (StatusCode::OK, ""));
    }
    preflight(&server, "https://a.example", "PUT").await.problem(403, "cors_refused");
}

#[tokio::test]
async fn all_origins_means_no_credentials() {
    let server = allowing(&["*"]).await;
    let asked = preflight(&server, "https://b.example", "POST").await;
    assert_eq!(asked.header("access-control-allow-origin"), "*");
    assert_eq!(asked.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn without_origins_nothing_is_said() {
    let server = start().await;
    let asked = preflight(&server, "https://a.example", "POST").await;
    assert_eq!((asked.status, asked.header("allow")), (StatusCode::NO_CONTENT, "POST, OPTIONS"));
    assert!(asked.headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
}
