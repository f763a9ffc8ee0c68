//! `ETag`, `If-None-Match`, `If-Match`, and compressed answers.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::server::{Answer, start};

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let server = start().await;
    let path = server.session_path().await;
    let message = server.say(&path, "hello").await;
    let message = format!("/api/v1/messages/{}", message["id"].as_str().unwrap());
    for path in [path.clone(), format!("{path}?message_limit=5"), format!("{path}/messages"), message] {
        let tag = Answer::of(server.get(&path)).await.header("etag").to_owned();
        assert!(tag.starts_with("\"2-f"), "{tag}");
        for sent in
            [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), format!(", garbage,, {tag} ,"), "*".to_owned()]
        {
            let answer = Answer::of(server.get(&path).header("if-none-match", sent)).await;
            assert_eq!((answer.status, answer.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
            assert_eq!(answer.header("etag"), tag);
            assert_eq!(answer.header("cache-control"), "private, no-cache");
            assert_eq!(answer.header("vary"), "accept-encoding");
            assert!(!answer.header("x-request-id").is_empty());
        }
        for other in ["\"1-f-l100\"", "2-f", "\"2-p\""] {
            Answer::of(server.get(&path).header("if-none-match", other)).await.expect(StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn a_tag_stands_for_one_query_and_one_view() {
    let server = start().await;
    let path = server.session_path().await;
    server.say(&path, "hello").await;
    let mut tags = Vec::new();
    for query in ["", "?limit=5", "?after=0", "?before=9", "?offset=1", "?order=desc", "?include_deleted=true"] {
        for role in ["service", "user"] {
            let request = server.get(&format!("{path}/messages{query}"));
            let answer = Answer::of(request.header("x-user-id", "ann").header("x-user-role", role)).await;
            answer.expect(StatusCode::OK);
            tags.push(answer.header("etag").to_owned());
        }
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 14, "{tags:?}");
}

#[tokio::test]
async fn a_change_goes_through_only_on_what_the_client_saw() {
    let server = start().await;
    let path = server.session_path().await;
    let change = |tag: &'static str| server.patch(&path).header("if-match", tag).json(&json!({"status": "waiting"}));
    for stale in ["\"9-f\"", "\"v2\"", "W/\"1-f\"", "\"nonsense\"", "1-f", "\"\""] {
        Answer::of(change(stale)).await.problem(412, "precondition_failed");
    }
    let session = Answer::of(server.get(&path)).await;
    assert_eq!(session.json()["rev"], 1);
    let tag = session.header("etag").to_owned();
    let answer = Answer::of(server.patch(&path).header("if-match", &tag).json(&json!({"status": "waiting"}))).await;
    assert_eq!(answer.expect(StatusCode::OK)["rev"], 2);
    assert_eq!(answer.header("etag"), "\"2-f\"");
    let stale = server.patch(&path).header("if-match", &tag).json(&json!({"status": "active"}));
    Answer::of(stale).await.problem(412, "precondition_failed");
    Answer::of(change("*")).await.expect(StatusCode::OK);
    Answer::of(change("\"9-f\", \"2-f\"")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_version_outlives_messages_and_a_rev_does_not() {
    let server = start().await;
    let path = server.session_path().await;
    server.say(&path, "hello").await;
    let change = |tag: &'static str| server.patch(&path).header("if-match", tag).json(&json!({"agent_id": "bob"}));
    Answer::of(change("\"1-f\"")).await.problem(412, "precondition_failed");
    assert_eq!(Answer::of(change("\"v1\"")).await.expect(StatusCode::OK)["version"], 2);
    Answer::of(change("\"v1\"")).await.problem(412, "precondition_failed");
}

#[tokio::test]
async fn a_deletion_and_an_end_take_if_match_too() {
    let server = start().await;
    let path = server.session_path().await;
    let message = server.say(&path, "hello").await;
    let at = format!("/api/v1/messages/{}", message["id"].as_str().unwrap());
    Answer::of(server.delete(&at).header("if-match", "\"1-f\"")).await.problem(412, "precondition_failed");
    Answer::of(server.delete(&at).header("if-match", "\"v1\"")).await.problem(412, "precondition_failed");
    assert_eq!(Answer::of(server.get(&at)).await.json()["is_deleted"], false);
    Answer::of(server.delete(&at).header("if-match", "\"2-f\"")).await.expect(StatusCode::OK);
    let end = format!("{path}/end");
    Answer::of(server.post(&end).header("if-match", "\"1-f\"")).await.problem(412, "precondition_failed");
    Answer::of(server.post(&end).header("if-match", "\"3-f\"")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn large_answers_are_compressed_and_their_tags_say_so() {
    let server = start().await;
    let path = server.session_path().await;
    let small = Answer::of(server.get(&path).header("accept-encoding", "gzip")).await;
    assert_eq!((small.header("content-encoding"), small.header("etag")), ("", "\"1-f-l100\""));
    assert_eq!(small.header("vary"), "accept-encoding");
    server.say(&path, &"x".repeat(4_000)).await;
    for (encoding, magic) in [("gzip", &[0x1f, 0x8b][..]), ("zstd", &[0x28, 0xb5, 0x2f, 0xfd])] {
        let answer = Answer::of(server.get(&path).header("accept-encoding", encoding)).await;
        assert_eq!(answer.header("content-encoding"), encoding);
        assert!(answer.bytes.starts_with(magic) && answer.bytes.len() < 1_000);
        let vary: Vec<_> = answer.headers.get_all("vary").iter().map(|vary| vary.to_str().unwrap()).collect();
        assert_eq!(vary.join(", ").to_ascii_lowercase(), "accept-encoding");
        let tag = answer.header("etag");
        assert_eq!(tag, format!("\"2-f-l100-u1-{encoding}\""));
        let again = server.get(&path).header("accept-encoding", encoding).header("if-none-match", tag);
        let again = Answer::of(again).await;
        assert_eq!((again.status, again.header("etag")), (StatusCode::NOT_MODIFIED, tag));
        assert_eq!(again.header("content-encoding"), "");
    }
    let patch = server.patch(&path).header("if-match", "\"2-f-l100-u1-gzip\"").json(&json!({"status": "waiting"}));
    Answer::of(patch).await.expect(StatusCode::OK);
    let plain = Answer::of(server.get(&path)).await;
    assert_eq!((plain.header("content-encoding"), plain.header("etag")), ("", "\"3-f-l100-u1\""));
}

#[tokio::test]
async fn an_encoding_that_nobody_speaks_is_a_problem_document() {
    let server = start().await;
    let path = server.session_path().await;
    let answer = Answer::of(server.get(&path).header("accept-encoding", "br, identity;q=0")).await;
    answer.problem(406, "not_acceptable");
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let server = start().await;
    let path = server.session_path().await;
    let message = server.say(&path, "hello").await["id"].as_str().unwrap().to_owned();
    for path in [
        "/".to_owned(),
        "/health".to_owned(),
        "/openapi.json".to_owned(),
        "/docs/".to_owned(),
        "/metrics".to_owned(),
        path.clone(),
        format!("{path}/messages"),
        format!("/api/v1/messages/{message}"),
        "/api/v1/users/ann/sessions".to_owned(),
    ] {
        let (get, head) = (Answer::of(server.get(&path)).await, Answer::of(server.request(Method::HEAD, &path)).await);
        assert_eq!((head.status, head.bytes.len()), (StatusCode::OK, 0), "{path}");
        for name in ["etag", "content-type", "cache-control", "link"] {
            assert_eq!(head.header(name), get.header(name), "{path}");
        }
    }
    let missing = server.request(Method::HEAD, "/api/v1/sessions/0198c0de-0000-7000-8000-0000000000ff");
    let missing = Answer::of(missing).await;
    assert_eq!((missing.status, missing.bytes.len()), (StatusCode::NOT_FOUND, 0));
}
