//! Who did what to which thing: in the log as it happens, and what moderates others in the store, for an admin to read.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, message};
use crate::store::Store;

/// What nobody but the people in the session may read.
const SAID: &str = "between you and me";

pub(crate) async fn who_did_what_is_told_and_never_what_was_said(store: &Store) {
    let node = store.node().await;
    let client = Client::new(&node.url);
    let session = client.new_session().await;
    let path = format!("/sessions/{session}");
    let said = client.store(&format!("{path}/messages"), &[], &message("u-1", SAID)).await.unwrap();
    let said = said["id"].as_str().unwrap().to_owned();
    let by = async |method, path: &str, role: &str, body: Option<Value>| {
        let headers = [("x-user-id", role), ("x-user-role", role), ("x-request-id", role)];
        client.send(method, path, &headers, body.as_ref()).await.unwrap()
    };
    by(Method::DELETE, &format!("/messages/{said}"), "agent", None).await.expect(403);
    by(Method::DELETE, &format!("/messages/{said}"), "supervisor", None).await.expect(200);
    by(Method::POST, &format!("/messages/{said}/restore"), "supervisor", None).await.expect(200);
    let other = json!({"content": format!("not only {SAID}")});
    by(Method::PATCH, &format!("/messages/{said}"), "supervisor", Some(other.clone())).await.expect(403);
    by(Method::PATCH, &format!("/messages/{said}"), "admin", Some(other)).await.expect(200);
    by(Method::PATCH, &path, "agent", Some(json!({"metadata": {"note": SAID}}))).await.expect(200);
    by(Method::GET, "/audit", "supervisor", None).await.expect(403);
    let entries = by(Method::GET, "/audit", "admin", None).await.expect(200);

    let log = node.whole_log().await;
    assert!(!log.iter().any(|line| line.contains(SAID)));
    let events = log.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<Value> =
        events.filter(|event| event["target"] == "chat_audit").map(|event| essence(&event)).collect();
    let line = |outcome, action, who: &str, thing, id: &str, session: Option<&str>| {
        let request = if who == "service" { Value::Null } else { json!(who) };
        json!([outcome, action, "default", who, who, thing, id, session, request])
    };
    let within = Some(&*session);
    let expected = [
        line("done", "create_session", "service", "session", &session, within),
        line("denied", "delete_message", "agent", "message", &said, within),
        line("done", "delete_message", "supervisor", "message", &said, within),
        line("done", "restore_message", "supervisor", "message", &said, within),
        line("denied", "edit_message", "supervisor", "message", &said, within),
        line("done", "edit_message", "admin", "message", &said, within),
        line("done", "update_session", "agent", "session", &session, within),
        line("denied", "list_audit", "supervisor", "tenant", "default", None),
        line("done", "list_audit", "admin", "tenant", "default", None),
    ];
    assert_eq!(told, expected);

    let kept = entries.as_array().unwrap().iter().map(|entry| {
        assert_eq!(entry["thing_id"], said, "{entry}");
        [&entry["actor_id"], &entry["action"]].map(|member| member.as_str().unwrap())
    });
    let expected = [["admin", "edit_message"], ["supervisor", "restore_message"], ["supervisor", "delete_message"]];
    assert_eq!(kept.collect::<Vec<_>>(), expected);
}

/// What an event says, apart from when. Ids of requests that the service made itself are left out.
fn essence(event: &Value) -> Value {
    let members = ["outcome", "action", "tenant", "actor", "role", "thing", "thing_id", "session_id"];
    let mut essence: Vec<Value> = members.iter().map(|name| event[*name].clone()).collect();
    assert!(event["request_id"].is_string(), "{event}");
    let own = event["request_id"] == event["role"];
    essence.push(if own { event["request_id"].clone() } else { Value::Null });
    essence.into()
}
