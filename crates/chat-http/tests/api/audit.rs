//! The audit: who reads it, what it says, and how it is paged.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Answer, TestServer, start};

async fn list(server: &TestServer, role: &str, query: &str) -> Answer {
    let path = if query.starts_with('/') { query.to_owned() } else { format!("/api/v1/audit{query}") };
    Answer::of(server.get(&path).header("x-user-id", "al").header("x-user-role", role)).await
}

/// Deletes a new message of `ann`, and gives its id.
async fn moderate(server: &TestServer, session: &str, id: &str, role: &str) -> Value {
    let message = server.say(session, "hello").await;
    server.clock.advance_seconds(1);
    let delete = server.delete(&format!("/api/v1/messages/{}", message["id"].as_str().unwrap()));
    Answer::of(delete.header("x-user-id", id).header("x-user-role", role)).await.expect(StatusCode::OK);
    message["id"].clone()
}

/// Where the link of this relation leads.
fn link(answer: &Answer, rel: &str) -> Option<String> {
    let mut links = answer.header("link").split(", ").filter(|link| link.ends_with(&format!("rel=\"{rel}\"")));
    links.next().map(|link| link.split(['<', '>']).nth(1).unwrap().to_owned())
}

fn things(answer: &Answer) -> Vec<Value> {
    let entries = answer.expect(StatusCode::OK);
    entries.as_array().unwrap().iter().map(|entry| entry["thing_id"].clone()).collect()
}

#[tokio::test]
async fn an_entry_says_who_did_what_and_nothing_of_what_was_said() {
    let server = start().await;
    let path = server.session_path().await;
    let message = moderate(&server, &path, "sue", "supervisor").await;
    moderate(&server, &path, "ann", "user").await;
    let answer = list(&server, "admin", "").await;
    let entries = answer.expect(StatusCode::OK);
    let expected = json!([{
        "id": entries[0]["id"],
        "created_at": "2026-01-01T00:00:01.000000Z",
        "actor_id": "sue",
        "actor_role": "supervisor",
        "action": "delete_message",
        "thing_kind": "message",
        "thing_id": message,
        "session_id": path.rsplit('/').next().unwrap(),
    }]);
    assert_eq!(entries, expected);
    assert_eq!(answer.header("cache-control"), "private, no-cache");
}

#[tokio::test]
async fn nobody_but_an_admin_reads_it() {
    let server = start().await;
    for role in ["user", "agent", "supervisor", "service"] {
        list(&server, role, "").await.problem(403, "forbidden");
    }
    assert_eq!(list(&server, "admin", "").await.expect(StatusCode::OK), json!([]));
}

#[tokio::test]
async fn links_lead_through_what_was_asked_for() {
    let server = start().await;
    let path = server.session_path().await;
    let mut by_sue = Vec::new();
    for _ in 0..5 {
        by_sue.insert(0, moderate(&server, &path, "sue", "supervisor").await);
        moderate(&server, &path, "bot", "service").await;
    }
    let mut page = list(&server, "admin", "?actor=sue&action=delete_message&limit=2").await;
    assert_eq!(link(&page, "prev"), None);
    let mut found = things(&page);
    while let Some(next) = link(&page, "next") {
        assert!(next.starts_with("/api/v1/audit?actor=sue&action=delete_message&limit=2&cursor="), "{next}");
        page = list(&server, "admin", &next).await;
        found.extend(things(&page));
    }
    assert_eq!(found, by_sue);
    let back = list(&server, "admin", &link(&page, "prev").unwrap()).await;
    assert_eq!(things(&back), by_sue[2..4]);
    assert_eq!(things(&list(&server, "admin", "?actor=nobody").await), [json!(null); 0]);
    assert_eq!(things(&list(&server, "admin", "").await).len(), 10);
}

#[tokio::test]
async fn every_bad_parameter_is_named() {
    let server = start().await;
    let answer = list(&server, "admin", "?limit=0&cursor=x&actor=&action=paint&who=me").await;
    let expected = [
        "query /who unknown_parameter",
        "query /limit out_of_range",
        "query /cursor invalid_cursor",
        "query /actor empty",
        "query /action invalid_value",
    ];
    assert_eq!(answer.faults(), expected);
}
