//! Who may do what, in the open mode: what may not be seen is a 404, what may be seen but not done a 403.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::server::{Answer, TestServer, start};

fn by(request: RequestBuilder, id: &str, role: &str) -> RequestBuilder {
    request.header("x-user-id", id).header("x-user-role", role)
}

async fn write(server: &TestServer, path: &str, id: &str, role: &str, body: Value) -> Answer {
    Answer::of(by(server.post(&format!("{path}/messages")), id, role).json(&body)).await
}

#[tokio::test]
async fn a_tenant_never_sees_anything_of_another() {
    let server = start().await;
    let path = server.session_path().await;
    let message = format!("/api/v1/messages/{}", server.say(&path, "hello").await["id"].as_str().unwrap());
    for role in ["user", "agent", "supervisor", "admin", "service"] {
        let other = |request: RequestBuilder| by(request, "ann", role).header("x-tenant-id", "other");
        let body = json!({"content": "x", "sender_type": "agent", "sender_id": "ann"});
        let body = if role == "user" { json!({"content": "x"}) } else { body };
        let status = json!({"status": "ended"});
        Answer::of(other(server.get(&path))).await.problem(404, "session_not_found");
        Answer::of(other(server.get(&format!("{path}/messages")))).await.problem(404, "session_not_found");
        Answer::of(other(server.patch(&path)).json(&status)).await.problem(404, "session_not_found");
        Answer::of(other(server.post(&format!("{path}/end")))).await.problem(404, "session_not_found");
        Answer::of(other(server.post(&format!("{path}/messages"))).json(&body)).await.problem(404, "session_not_found");
        Answer::of(other(server.get(&message))).await.problem(404, "message_not_found");
        Answer::of(other(server.delete(&message))).await.problem(404, "message_not_found");
        assert_eq!(Answer::of(other(server.get("/api/v1/users/ann/sessions"))).await.expect(StatusCode::OK), json!([]));
    }
    assert_eq!(Answer::of(server.get(&path)).await.json()["rev"], 2);
}

#[tokio::test]
async fn a_user_sees_its_own_sessions_only() {
    let server = start().await;
    let path = server.session_path().await;
    let message = format!("/api/v1/messages/{}", server.say(&path, "hello").await["id"].as_str().unwrap());
    for (id, role, seen) in [("ann", "user", true), ("eve", "user", false), ("bob", "agent", true)] {
        for (path, code) in [(&path, "session_not_found"), (&message, "message_not_found")] {
            let answer = Answer::of(by(server.get(path), id, role)).await;
            if seen { drop(answer.expect(StatusCode::OK)) } else { drop(answer.problem(404, code)) }
        }
    }
    Answer::of(by(server.get("/api/v1/users/ann/sessions"), "eve", "user")).await.problem(403, "forbidden");
    Answer::of(by(server.get("/api/v1/users/ann/sessions"), "ann", "user")).await.expect(StatusCode::OK);
    Answer::of(by(server.patch(&path), "ann", "user").json(&json!({"status": "waiting"})))
        .await
        .problem(403, "forbidden");
    Answer::of(by(server.post(&format!("{path}/end")), "eve", "user")).await.problem(404, "session_not_found");
    Answer::of(by(server.post(&format!("{path}/end")), "ann", "user")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_user_starts_sessions_of_its_own_without_an_agent() {
    let server = start().await;
    let create = async |body: Value| Answer::of(by(server.post("/api/v1/sessions"), "ann", "user").json(&body)).await;
    create(json!({"user_id": "ann"})).await.expect(StatusCode::CREATED);
    create(json!({"user_id": "eve"})).await.problem(403, "forbidden");
    create(json!({"user_id": "ann", "agent_id": "bob"})).await.problem(403, "forbidden");
}

#[tokio::test]
async fn each_role_writes_as_it_may() {
    let server = start().await;
    let path = server.session_path().await;
    for (id, role, sender) in
        [("ann", "user", "user"), ("bob", "agent", "agent"), ("sue", "supervisor", "agent"), ("al", "admin", "agent")]
    {
        let message = write(&server, &path, id, role, json!({"content": "x"})).await.expect(StatusCode::CREATED);
        assert_eq!((&message["sender_type"], &message["sender_id"]), (&json!(sender), &json!(id)));
        let other = write(&server, &path, id, role, json!({"content": "x", "sender_id": "someone"})).await;
        if role == "admin" { drop(other.expect(StatusCode::CREATED)) } else { drop(other.problem(403, "forbidden")) }
    }
    let nameless = write(&server, &path, "svc", "service", json!({"content": "x"})).await;
    assert_eq!(nameless.faults(), ["/sender_type missing_field", "/sender_id missing_field"]);
    let note = json!({"content": "x", "visibility": "internal"});
    write(&server, &path, "ann", "user", note.clone()).await.problem(403, "forbidden");
    write(&server, &path, "bob", "agent", note).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn an_internal_note_is_hidden_from_the_user_wherever_it_could_show() {
    let server = start().await;
    let path = server.session_path().await;
    server.say(&path, "public").await;
    server.clock.advance_seconds(1);
    let note = json!({"content": "hidden note", "visibility": "internal"});
    let note = write(&server, &path, "bob", "agent", note).await.expect(StatusCode::CREATED);
    let at = format!("/api/v1/messages/{}", note["id"].as_str().unwrap());
    Answer::of(by(server.get(&at), "ann", "user")).await.problem(404, "message_not_found");
    Answer::of(by(server.delete(&at), "ann", "user")).await.problem(404, "message_not_found");
    let reply = write(&server, &path, "ann", "user", json!({"content": "x", "reply_to": note["id"]})).await;
    assert_eq!(reply.faults(), ["/reply_to reply_to_not_found"]);
    Answer::of(by(server.delete(&at), "bob", "agent")).await.expect(StatusCode::OK);
    for query in
        ["", "/messages", "/messages?include_deleted=true", "/messages?order=desc&after=1&include_deleted=true"]
    {
        let answer = Answer::of(by(server.get(&format!("{path}{query}")), "ann", "user")).await;
        answer.expect(StatusCode::OK);
        assert!(!answer.text().contains("hidden note") && !answer.text().contains(note["id"].as_str().unwrap()));
    }
    let (seen, all) = (
        Answer::of(by(server.get(&path), "ann", "user")).await.json(),
        Answer::of(by(server.get(&path), "bob", "agent")).await.json(),
    );
    assert_eq!((&seen["message_count"], &all["message_count"]), (&json!(1), &json!(1)));
    assert_ne!(seen["last_message_at"], all["last_message_at"]);
}

#[tokio::test]
async fn who_may_delete_what() {
    let server = start().await;
    let path = server.session_path().await;
    let delete = async |id: &str, role: &str| {
        let message = server.say(&path, "hello").await;
        Answer::of(by(server.delete(&format!("/api/v1/messages/{}", message["id"].as_str().unwrap())), id, role)).await
    };
    delete("ann", "user").await.expect(StatusCode::OK);
    delete("bob", "agent").await.problem(403, "forbidden");
    delete("sue", "supervisor").await.expect(StatusCode::OK);
    delete("al", "admin").await.expect(StatusCode::OK);
    delete("svc", "service").await.expect(StatusCode::OK);
    let late = server.say(&path, "hello").await;
    server.clock.advance_seconds(16 * 60);
    let late = server.delete(&format!("/api/v1/messages/{}", late["id"].as_str().unwrap()));
    Answer::of(by(late, "ann", "user")).await.problem(403, "forbidden");
}
