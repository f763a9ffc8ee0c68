//! What browsers are told not to do.

use std::sync::Arc;

use chat_domain::testing::fake::FakeProbe;
use reqwest::StatusCode;

use crate::beside::Beside;
use crate::server::{Answer, start};

const ALWAYS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
];

#[tokio::test]
async fn every_answer_may_be_read_as_data_and_nothing_else() {
    let server = start().await;
    let session = server.session_path().await;
    for (path, status) in [
        (session.as_str(), StatusCode::OK),
        ("/health", StatusCode::OK),
        ("/openapi.json", StatusCode::OK),
        ("/nowhere", StatusCode::NOT_FOUND),
        ("/api/v1/sessions/none", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = Answer::of(server.get(path)).await;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in ALWAYS {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'", "{path}");
    }
}

#[tokio::test]
async fn the_interactive_page_may_load_what_is_its_own_and_stands_in_no_frame() {
    let server = start().await;
    let page = Answer::of(server.get("/docs/")).await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self';") && policy.ends_with("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("script-src") && !policy.contains('*'), "{policy}");
    // A script between tags would not run under this policy.
    assert!(!page.text().contains("<script>"), "{}", page.text());
    for (name, value) in ALWAYS {
        assert_eq!(page.header(name), value);
    }
}

#[tokio::test]
async fn figures_on_an_address_of_their_own_are_no_exception() {
    let beside = Beside::start(Arc::new(FakeProbe::Healthy));
    for (path, status) in
        [("/metrics", StatusCode::OK), ("/health/ready", StatusCode::OK), ("/nowhere", StatusCode::NOT_FOUND)]
    {
        let answer = beside.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        for (name, value) in ALWAYS {
            assert_eq!(answer.headers().get(name).map(|value| value.to_str().unwrap()), Some(value), "{path}");
        }
    }
    beside.stop().await;
}
