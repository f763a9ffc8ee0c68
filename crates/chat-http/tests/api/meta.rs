//! What the service says of itself.

use std::sync::Arc;

use chat_domain::access::TokenVerifier;
use chat_domain::testing::fake::{FakeClock, FakeTokens};
use chat_http::AuthMode;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Answer, Parts, start, start_with};

#[tokio::test]
async fn the_root_names_the_service() {
    let server = start().await;
    let about = Answer::of(server.get("/")).await.expect(StatusCode::OK);
    assert_eq!(about, json!({"service": "chat-service", "version": chat_http::VERSION, "status": "running"}));
}

#[tokio::test]
async fn the_page_and_all_that_it_needs_come_from_here() {
    let server = start().await;
    let moved = Answer::of(server.get("/docs")).await;
    assert_eq!((moved.status, moved.header("location")), (StatusCode::PERMANENT_REDIRECT, "/docs/"));
    let page = Answer::of(server.get("/docs/")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(!page.text().contains("http://") && !page.text().contains("https://"), "{}", page.text());
    let files = page.text().split(['"', '\'']).filter(|part| part.starts_with("./"));
    let mut count = 0;
    for file in files {
        count += 1;
        let answer = Answer::of(server.get(&format!("/docs/{}", file.trim_start_matches("./")))).await;
        assert_eq!(answer.status, StatusCode::OK, "{file}");
    }
    assert!(count >= 4);
    let start = Answer::of(server.get("/docs/swagger-initializer.js")).await;
    assert!(start.text().contains("/openapi.json") && start.text().contains("none"), "{}", start.text());
}

#[tokio::test]
async fn the_description_is_served_as_it_is_printed_but_for_tokens_that_nobody_asks_for() {
    let mut printed: Value = serde_json::from_str(&chat_http::openapi::json()).unwrap();
    let tokens: Arc<dyn TokenVerifier> = Arc::new(FakeTokens::new(FakeClock::new()));
    let asking = start_with(Parts { auth: AuthMode::Jwt(tokens), ..Parts::default() }).await;
    let open = start().await;
    assert_eq!(Answer::of(asking.get("/openapi.json")).await.expect(StatusCode::OK), printed);
    for operation in printed["paths"]
        .as_object_mut()
        .unwrap()
        .values_mut()
        .flat_map(|item| item.as_object_mut().unwrap().values_mut())
    {
        operation.as_object_mut().map(|operation| operation.remove("security"));
    }
    assert_eq!(Answer::of(open.get("/openapi.json")).await.expect(StatusCode::OK), printed);
}
