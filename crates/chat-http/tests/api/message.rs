//! Messages over the wire.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Answer, start};

#[tokio::test]
async fn a_new_message_has_every_field() {
    let server = start().await;
    let path = server.session_path().await;
    let body = json!({
        "content": "hello", "sender_type": "agent", "sender_id": "bob", "metadata": {"a": [1]},
        "message_type": "markdown", "visibility": "internal",
    });
    let answer = Answer::of(server.post(&format!("{path}/messages")).json(&body)).await;
    let message = answer.expect(StatusCode::CREATED);
    let expected = json!({
        "id": message["id"], "session_id": path.rsplit('/').next().unwrap(), "seq": 1, "rev": 2, "sender_type": "agent",
        "sender_id": "bob", "content": "hello", "message_type": "markdown", "metadata": {"a": [1]}, "reply_to": null,
        "visibility": "internal", "is_deleted": false, "created_at": message["created_at"], "edited_at": null,
        "deleted_at": null, "extensions": [],
    });
    assert_eq!(message, expected);
    assert_eq!(answer.header("etag"), "\"2-f\"");
    assert_eq!(answer.header("location"), format!("/api/v1/messages/{}", message["id"].as_str().unwrap()));
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(Answer::of(server.get(answer.header("location"))).await.expect(StatusCode::OK), message);
}

#[tokio::test]
async fn a_reply_names_a_message_of_its_session() {
    let server = start().await;
    let (path, elsewhere) = (server.session_path().await, server.session_path().await);
    let (here, there) = (server.say(&path, "here").await, server.say(&elsewhere, "there").await);
    let reply = |to: &Value| {
        let body = json!({"content": "x", "sender_type": "user", "sender_id": "ann", "reply_to": to});
        Answer::of(server.post(&format!("{path}/messages")).json(&body))
    };
    assert_eq!(reply(&here["id"]).await.expect(StatusCode::CREATED)["reply_to"], here["id"]);
    assert_eq!(reply(&there["id"]).await.faults(), ["/reply_to reply_to_not_found"]);
}

#[tokio::test]
async fn a_deleted_message_is_a_tombstone_for_good() {
    let server = start().await;
    let path = server.session_path().await;
    let message = server.say(&path, "secret").await;
    let at = format!("/api/v1/messages/{}", message["id"].as_str().unwrap());
    let answer = Answer::of(server.delete(&at)).await;
    let tombstone = answer.expect(StatusCode::OK);
    assert_eq!(answer.header("etag"), "\"3-f\"");
    assert!(!answer.text().contains("secret"));
    assert_eq!(
        (&tombstone["is_deleted"], &tombstone["content"], &tombstone["rev"]),
        (&json!(true), &json!(""), &json!(3))
    );
    assert_eq!(Answer::of(server.delete(&at)).await.expect(StatusCode::OK), tombstone);
    assert_eq!(Answer::of(server.get(&at)).await.expect(StatusCode::OK), tombstone);
    let list =
        async |query: &str| Answer::of(server.get(&format!("{path}/messages{query}"))).await.expect(StatusCode::OK);
    assert_eq!(list("").await, json!([]));
    assert_eq!(list("?include_deleted=true").await, json!([tombstone]));
    Answer::of(server.delete("/api/v1/messages/0198c0de-0000-7000-8000-0000000000ff"))
        .await
        .problem(404, "message_not_found");
    Answer::of(server.get("/api/v1/messages/0198c0de-0000-7000-8000-0000000000ff"))
        .await
        .problem(404, "message_not_found");
}

#[tokio::test]
async fn lists_go_by_seq_in_both_orders() {
    let server = start().await;
    let path = server.session_path().await;
    for number in 1..=5 {
        server.say(&path, &number.to_string()).await;
    }
    for (query, seqs) in [
        ("", json!([1, 2, 3, 4, 5])),
        ("?limit=2", json!([1, 2])),
        ("?limit=2&order=desc", json!([5, 4])),
        ("?offset=3", json!([4, 5])),
        ("?after=3", json!([4, 5])),
        ("?before=3", json!([1, 2])),
        ("?before=4&limit=2", json!([2, 3])),
        ("?after=1&before=4", json!([2, 3])),
        ("?after=2&order=desc&limit=2", json!([4, 3])),
        ("?after=5", json!([])),
    ] {
        let messages = Answer::of(server.get(&format!("{path}/messages{query}"))).await.expect(StatusCode::OK);
        let found: Value = messages.as_array().unwrap().iter().map(|message| message["seq"].clone()).collect();
        assert_eq!(found, seqs, "{query}");
    }
}

#[tokio::test]
async fn content_of_the_largest_size_comes_back_whole() {
    let server = start().await;
    let path = server.session_path().await;
    let content = "😀".repeat(16_384);
    assert_eq!(server.say(&path, &content).await["content"], content);
}
