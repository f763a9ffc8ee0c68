//! Callers that a gateway vouches for.

use chat_http::{AuthMode, TrustedProxies};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::json;

use crate::server::{Answer, Parts, TestServer, start_with};

async fn trusting(networks: &[&str]) -> TestServer {
    let proxies = TrustedProxies::new(networks).unwrap();
    start_with(Parts { auth: AuthMode::Gateway(proxies.clone()), proxies, ..Parts::default() }).await
}

fn vouched(request: RequestBuilder, role: &str) -> RequestBuilder {
    request.header("x-tenant-id", "acme").header("x-user-id", "ann").header("x-user-role", role)
}

#[tokio::test]
async fn a_trusted_gateway_says_who_calls() {
    let server = trusting(&["10.0.0.0/8", "127.0.0.0/8"]).await;
    let create = vouched(server.post("/api/v1/sessions"), "user").json(&json!({"user_id": "ann"}));
    let session = Answer::of(create).await.expect(StatusCode::CREATED);
    assert_eq!(session["tenant_id"], "acme");
    Answer::of(vouched(server.get("/metrics"), "user")).await.problem(403, "forbidden");
    assert_eq!(Answer::of(vouched(server.get("/metrics"), "admin")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn headers_from_anywhere_else_are_refused() {
    let server = trusting(&["10.0.0.0/8", "192.168.1.7"]).await;
    for path in ["/api/v1/sessions/x", "/api/v1/nope", "/metrics"] {
        let pretended = vouched(server.get(path), "admin").header("x-forwarded-for", "10.0.0.1");
        let answer = Answer::of(pretended.header("forwarded", "for=10.0.0.1")).await;
        answer.problem(401, "untrusted_proxy");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    assert_eq!(Answer::of(server.get("/health")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_gateway_must_say_all_of_who_calls_and_nothing_twice() {
    let server = trusting(&["127.0.0.1"]).await;
    let all = [("x-tenant-id", "acme"), ("x-user-id", "ann"), ("x-user-role", "agent")];
    let answer = async |headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(server.get("/api/v1/users/ann/sessions"), |request, (name, value)| request.header(*name, *value));
        Answer::of(request).await
    };
    answer(&all).await.expect(StatusCode::OK);
    answer(&[]).await.problem(401, "missing_identity");
    for left_out in all {
        let others: Vec<_> = all.into_iter().filter(|header| *header != left_out).collect();
        answer(&others).await.problem(401, "missing_identity");
        let twice: Vec<_> = all.into_iter().chain([left_out]).collect();
        answer(&twice).await.problem(401, "invalid_identity");
        for bad in ["", "ü".repeat(300).as_str()] {
            let spoilt: Vec<_> = others.iter().copied().chain([(left_out.0, bad)]).collect();
            answer(&spoilt).await.problem(401, "invalid_identity");
        }
    }
}
