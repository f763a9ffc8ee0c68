//! Sessions over the wire.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Answer, start};

const FIELDS: [&str; 15] = [
    "id",
    "tenant_id",
    "user_id",
    "agent_id",
    "status",
    "metadata",
    "created_at",
    "updated_at",
    "ended_at",
    "previous_session_id",
    "rev",
    "version",
    "message_count",
    "last_message_at",
    "unread_count",
];

/// The names of an object's members, in the order in which they are written.
fn names(text: &str) -> Vec<String> {
    let object: Box<serde_json::value::RawValue> = serde_json::from_str(text).unwrap();
    let mut places: Vec<(usize, String)> = serde_json::from_str::<serde_json::Map<String, Value>>(object.get())
        .unwrap()
        .keys()
        .map(|key| (text.find(&format!("\"{key}\":")).unwrap(), key.clone()))
        .collect();
    places.sort();
    places.into_iter().map(|place| place.1).collect()
}

#[tokio::test]
async fn a_new_session_has_every_field_in_its_order() {
    let server = start().await;
    let answer = Answer::of(server.post("/api/v1/sessions").json(&json!({"user_id": "ann"}))).await;
    let session = answer.expect(StatusCode::CREATED);
    assert_eq!(names(answer.text()), FIELDS);
    let expected = json!({
        "id": session["id"], "tenant_id": "default", "user_id": "ann", "agent_id": null, "status": "active",
        "metadata": {}, "created_at": session["created_at"], "updated_at": session["created_at"], "ended_at": null,
        "previous_session_id": null, "rev": 1, "version": 1, "message_count": 0, "last_message_at": null,
        "unread_count": 0,
    });
    assert_eq!(session, expected);
    let stamp = session["created_at"].as_str().unwrap();
    assert!(stamp.len() == 27 && stamp.ends_with('Z') && stamp.as_bytes()[19] == b'.', "{stamp}");
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn metadata_comes_back_digit_for_digit() {
    let server = start().await;
    let metadata =
        r#"{"zero":-0.0,"big":123456789012345678901234567890,"exp":1E2,"long":0.1000000000000000055,"s":"\u00fc"}"#;
    let body = format!(r#"{{"user_id":"ann","metadata": {metadata} }}"#);
    let made = Answer::of(server.post("/api/v1/sessions").header("content-type", "application/json").body(body)).await;
    made.expect(StatusCode::CREATED);
    assert!(made.text().contains(metadata), "{}", made.text());
    let shown = Answer::of(server.get(made.header("location"))).await;
    assert!(shown.text().contains(metadata));
}

#[tokio::test]
async fn null_metadata_reads_as_the_empty_object() {
    let server = start().await;
    let body = json!({"user_id": "ann", "metadata": null, "agent_id": null, "previous_session_id": null});
    let session = Answer::of(server.post("/api/v1/sessions").json(&body)).await.expect(StatusCode::CREATED);
    assert_eq!(session["metadata"], json!({}));
}

#[tokio::test]
async fn a_session_is_shown_with_its_newest_messages_oldest_first() {
    let server = start().await;
    let path = server.session_path().await;
    for content in ["one", "two", "three"] {
        server.say(&path, content).await;
    }
    let answer = Answer::of(server.get(&format!("{path}?message_limit=2"))).await;
    let session = answer.expect(StatusCode::OK);
    let contents: Vec<_> = session["messages"].as_array().unwrap().iter().map(|m| &m["content"]).collect();
    assert_eq!(contents, ["two", "three"]);
    assert_eq!(names(answer.text())[..FIELDS.len()], FIELDS);
    assert_eq!((&session["message_count"], &session["rev"]), (&json!(3), &json!(4)));
    assert_eq!(answer.header("etag"), "\"4-f-l2-u3\"");
    let none = Answer::of(server.get(&format!("{path}?message_limit=0"))).await.expect(StatusCode::OK);
    assert_eq!(none["messages"], json!([]));
}

#[tokio::test]
async fn a_patch_changes_only_what_is_sent() {
    let server = start().await;
    let body = json!({"user_id": "ann", "agent_id": "bob", "metadata": {"a": 1, "b": {"c": 2}}});
    let session = Answer::of(server.post("/api/v1/sessions").json(&body)).await.expect(StatusCode::CREATED);
    let path = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    let patch = async |body: Value| Answer::of(server.patch(&path).json(&body)).await.expect(StatusCode::OK);
    let moved = patch(json!({"status": "transferred"})).await;
    assert_eq!(
        (&moved["status"], &moved["agent_id"], &moved["rev"]),
        (&json!("transferred"), &json!("bob"), &json!(2))
    );
    let unassigned = patch(json!({"agent_id": null})).await;
    assert_eq!((&unassigned["agent_id"], &unassigned["metadata"]), (&Value::Null, &body["metadata"]));
    let replaced = patch(json!({"metadata": {"x": 1}})).await;
    assert_eq!(replaced["metadata"], json!({"x": 1}));
    let same = patch(json!({"status": "transferred"})).await;
    assert_eq!(same, replaced);
    let nothing = patch(json!({})).await;
    assert_eq!(nothing, replaced);
}

#[tokio::test]
async fn a_merge_patch_merges_metadata() {
    let server = start().await;
    let body = json!({"user_id": "ann", "metadata": {"a": 1, "b": {"c": 2, "d": 3}}});
    let session = Answer::of(server.post("/api/v1/sessions").json(&body)).await.expect(StatusCode::CREATED);
    let path = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    let merge = |body: &'static str| {
        server.patch(&path).header("content-type", "application/merge-patch+json; charset=UTF-8").body(body)
    };
    let merged = Answer::of(merge(r#"{"metadata":{"a":null,"b":{"c":4}}}"#)).await.expect(StatusCode::OK);
    assert_eq!(merged["metadata"], json!({"b": {"c": 4, "d": 3}}));
    let emptied = Answer::of(merge(r#"{"metadata":null}"#)).await.expect(StatusCode::OK);
    assert_eq!(emptied["metadata"], json!({}));
}

#[tokio::test]
async fn ending_is_final_and_keeps_its_time() {
    let server = start().await;
    let path = server.session_path().await;
    let ended = Answer::of(server.post(&format!("{path}/end"))).await.expect(StatusCode::OK);
    assert_eq!(ended["status"], "ended");
    server.clock.advance_seconds(60);
    let again = Answer::of(server.post(&format!("{path}/end")).json(&json!({}))).await.expect(StatusCode::OK);
    assert_eq!(again, ended);
    let patched = Answer::of(server.patch(&path).json(&json!({"status": "ended"}))).await.expect(StatusCode::OK);
    assert_eq!(patched, ended);

    let problem =
        Answer::of(server.patch(&path).json(&json!({"status": "active"}))).await.problem(409, "invalid_transition");
    assert_eq!((&problem["session_status"], &problem["rev"]), (&json!("ended"), &ended["rev"]));
    let problem = Answer::of(server.patch(&path).json(&json!({"agent_id": "bob"}))).await.problem(409, "session_ended");
    assert_eq!((&problem["session_status"], &problem["rev"]), (&json!("ended"), &ended["rev"]));
    let body = json!({"content": "late", "sender_type": "user", "sender_id": "ann"});
    let problem = Answer::of(server.post(&format!("{path}/messages")).json(&body)).await.problem(409, "session_ended");
    assert_eq!((&problem["session_status"], &problem["rev"]), (&json!("ended"), &ended["rev"]));

    let metadata = Answer::of(server.patch(&path).json(&json!({"metadata": {"rated": true}}))).await;
    assert_eq!(metadata.expect(StatusCode::OK)["ended_at"], ended["ended_at"]);
}

#[tokio::test]
async fn a_new_session_may_name_the_one_it_continues() {
    let server = start().await;
    let old = server.session().await;
    let body = json!({"user_id": "ann", "previous_session_id": old["id"]});
    let new = Answer::of(server.post("/api/v1/sessions").json(&body)).await.expect(StatusCode::CREATED);
    assert_eq!(new["previous_session_id"], old["id"]);
    let body = json!({"user_id": "ann", "previous_session_id": "0198c0de-0000-7000-8000-0000000000ff"});
    let answer = Answer::of(server.post("/api/v1/sessions").json(&body)).await;
    assert_eq!(answer.faults(), ["/previous_session_id previous_session_not_found"]);
}

#[tokio::test]
async fn a_users_sessions_are_listed_newest_first_and_by_status() {
    let server = start().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(server.session().await["id"].clone());
        server.clock.advance_seconds(1);
    }
    ids.reverse();
    let end = format!("/api/v1/sessions/{}/end", ids[0].as_str().unwrap());
    Answer::of(server.post(&end)).await.expect(StatusCode::OK);
    let list = async |query: &str| {
        let sessions =
            Answer::of(server.get(&format!("/api/v1/users/ann/sessions{query}"))).await.expect(StatusCode::OK);
        sessions.as_array().unwrap().iter().map(|session| session["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ids);
    assert_eq!(list("?active_only=true").await, ids[1..]);
    assert_eq!(list("?status=ended").await, ids[..1]);
    assert_eq!(list("?status=ended&active_only=true").await, [] as [Value; 0]);
    assert_eq!(Answer::of(server.get("/api/v1/users/nobody/sessions")).await.expect(StatusCode::OK), json!([]));
}

#[tokio::test]
async fn a_user_id_in_a_path_may_hold_anything_but_control_characters() {
    let server = start().await;
    for (id, path) in [
        ("a/b", "a%2Fb"),
        ("a%2Fb", "a%252Fb"),
        ("ü 日本", "%C3%BC%20%E6%97%A5%E6%9C%AC"),
        ("a+b", "a+b"),
        ("a+b?", "a%2Bb%3F"),
        ("..", "%2E%2E"),
        ("sessions", "sessions"),
    ] {
        Answer::of(server.post("/api/v1/sessions").json(&json!({"user_id": id}))).await.expect(StatusCode::CREATED);
        let request = format!("GET /api/v1/users/{path}/sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = server.raw(request.as_bytes()).await;
        assert!(answer.contains("200 OK") && answer.contains("\"rev\":1"), "{id}: {answer}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_404() {
    let server = start().await;
    let path = "/api/v1/sessions/0198c0de-0000-7000-8000-0000000000ff";
    let message = json!({"content": "hello", "sender_type": "user", "sender_id": "ann"});
    for request in [
        server.get(path),
        server.patch(path).json(&json!({"status": "active"})),
        server.post(&format!("{path}/end")),
        server.get(&format!("{path}/messages")),
        server.post(&format!("{path}/messages")).json(&message),
    ] {
        Answer::of(request).await.problem(404, "session_not_found");
    }
}
