//! Receipts and unread counts over the wire.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::description::Judge;
use crate::server::{Answer, TestServer, start};

fn dressed(request: RequestBuilder, (role, name): (&str, &str)) -> RequestBuilder {
    request.header("x-user-role", role).header("x-user-id", name)
}

const ANN: (&str, &str) = ("user", "ann");
const BOB: (&str, &str) = ("agent", "bob");

/// A session of `ann`, in which `bob` has said three things.
async fn conversation(server: &TestServer) -> String {
    let path = server.session_path().await;
    for content in ["one", "two", "three"] {
        let body = json!({"content": content});
        let said = dressed(server.post(&format!("{path}/messages")), BOB).json(&body);
        Answer::of(said).await.expect(StatusCode::CREATED);
    }
    path
}

async fn mark(server: &TestServer, path: &str, kind: &str, who: (&str, &str), body: &Value) -> Answer {
    Answer::of(dressed(server.post(&format!("{path}/{kind}")), who).json(body)).await
}

async fn unread(server: &TestServer, path: &str, who: (&str, &str)) -> Value {
    Answer::of(dressed(server.get(&format!("{path}?message_limit=0")), who)).await.json()["unread_count"].clone()
}

#[tokio::test]
async fn a_receipt_answers_with_the_participant_as_it_stands() {
    let (server, judge) = (start().await, Judge::new());
    let path = conversation(&server).await;
    let before = Answer::of(server.get(&path)).await.json();
    let first = mark(&server, &path, "delivered", ANN, &json!({"seq": 2})).await;
    judge.hold("mark_delivered", &first);
    let expected = json!({
        "id": "ann", "role": "user", "read_seq": 0, "delivered_seq": 2, "rev": 5, "updated_at": before["created_at"],
    });
    assert_eq!(first.expect(StatusCode::OK), expected);
    assert_eq!((first.header("etag"), first.header("cache-control")), ("\"5-p\"", "private, no-cache"));
    let read = mark(&server, &path, "read", ANN, &json!({"seq": 99})).await;
    judge.hold("mark_read", &read);
    assert_eq!((&read.json()["read_seq"], &read.json()["rev"]), (&json!(3), &json!(6)));
    for (kind, seq) in [("read", 1), ("delivered", 3), ("read", 0)] {
        assert_eq!(mark(&server, &path, kind, ANN, &json!({"seq": seq})).await.json(), read.json());
    }
    let after = Answer::of(server.get(&path)).await.json();
    assert_eq!(after["rev"], 6);
    assert_eq!((&after["updated_at"], &after["version"]), (&before["updated_at"], &before["version"]));
}

#[tokio::test]
async fn what_is_no_receipt_is_refused_with_every_fault() {
    let server = start().await;
    let path = conversation(&server).await;
    for (body, pointer, code) in [
        (json!({}), "/seq", "missing_field"),
        (json!({"seq": null}), "/seq", "invalid_type"),
        (json!({"seq": "3"}), "/seq", "invalid_type"),
        (json!({"seq": 1.5}), "/seq", "invalid_type"),
        (json!({"seq": -1}), "/seq", "out_of_range"),
        (json!({"seq": 1, "at": 2}), "/at", "unknown_field"),
    ] {
        let refused = mark(&server, &path, "read", ANN, &body).await;
        let problem = refused.problem(422, "invalid_request");
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!(pointer), &json!(code)));
    }
    let too_large = r#"{"seq": 99999999999999999999}"#;
    let request = server.post(&format!("{path}/read")).header("content-type", "application/json").body(too_large);
    Answer::of(request).await.problem(422, "invalid_request");
    mark(&server, &path, "read", ("user", "eve"), &json!({"seq": 1})).await.problem(404, "session_not_found");
    let nowhere = "/api/v1/sessions/0198c0de-0000-7000-8000-0000000000ff";
    mark(&server, nowhere, "read", BOB, &json!({"seq": 1})).await.problem(404, "session_not_found");
    Answer::of(server.get(&format!("{nowhere}/participants"))).await.problem(404, "session_not_found");
}

#[tokio::test]
async fn a_repeated_receipt_is_a_replay_even_after_the_end() {
    let server = start().await;
    let path = conversation(&server).await;
    let send = async |seq: i64| {
        let request = dressed(server.post(&format!("{path}/read")), ANN).header("idempotency-key", "k");
        Answer::of(request.json(&json!({"seq": seq}))).await
    };
    let first = send(2).await;
    Answer::of(server.post(&format!("{path}/end"))).await.expect(StatusCode::OK);
    let again = send(2).await;
    assert_eq!(first.expect(StatusCode::OK), again.expect(StatusCode::OK));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    send(3).await.problem(422, "idempotency_key_reused");
    mark(&server, &path, "read", ANN, &json!({"seq": 3})).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn every_session_that_a_caller_gets_tells_what_it_has_not_read() {
    let server = start().await;
    let path = conversation(&server).await;
    mark(&server, &path, "read", ANN, &json!({"seq": 1})).await.expect(StatusCode::OK);
    for (who, count) in [(ANN, 2), (BOB, 0), (("supervisor", "sue"), 3), (("service", "service"), 3)] {
        assert_eq!(unread(&server, &path, who).await, count, "{who:?}");
        let listed = Answer::of(dressed(server.get("/api/v1/users/ann/sessions"), who)).await.json();
        assert_eq!(listed[0]["unread_count"], count, "{who:?}");
    }
    let patched = dressed(server.patch(&path), BOB).json(&json!({"metadata": {"a": 1}}));
    assert_eq!(Answer::of(patched).await.json()["unread_count"], 0);
    let ended = Answer::of(dressed(server.post(&format!("{path}/end")), ANN)).await;
    assert_eq!(ended.json()["unread_count"], 2);
    let made = Answer::of(server.post("/api/v1/sessions").json(&json!({"user_id": "ann"}))).await;
    assert_eq!(made.json()["unread_count"], 0);
}

#[tokio::test]
async fn callers_who_have_read_to_different_places_have_different_tags() {
    let server = start().await;
    let path = conversation(&server).await;
    let show = async |name: &'static str| Answer::of(dressed(server.get(&path), ("agent", name))).await;
    let (of_bob, of_sue) = (show("bob").await, show("sue").await);
    assert_eq!((of_bob.header("etag"), of_sue.header("etag")), ("\"4-f-l100\"", "\"4-f-l100-u3\""));
    for (name, tag, status) in
        [("bob", "\"4-f-l100\"", 304), ("sue", "\"4-f-l100\"", 200), ("sue", "\"4-f-l100-u3\"", 304)]
    {
        let request = dressed(server.get(&path), ("agent", name)).header("if-none-match", tag);
        assert_eq!(Answer::of(request).await.status.as_u16(), status, "{name} {tag}");
    }
    mark(&server, &path, "read", ("agent", "sue"), &json!({"seq": 2})).await.expect(StatusCode::OK);
    assert_eq!(show("sue").await.header("etag"), "\"5-f-l100-u1\"");
    let patch = dressed(server.patch(&path), ("agent", "sue")).header("if-match", "\"5-f-l100-u1\"");
    Answer::of(patch.json(&json!({"agent_id": "sue"}))).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_answer_that_was_printed_for_one_reader_is_not_sent_to_another() {
    let server = start().await;
    let path = conversation(&server).await;
    // Twice, so that the second is sent as it was printed.
    for _ in 0..2 {
        assert_eq!(unread(&server, &path, BOB).await, 0);
        assert_eq!(unread(&server, &path, ("agent", "sue")).await, 3);
    }
    mark(&server, &path, "read", ("agent", "sue"), &json!({"seq": 2})).await.expect(StatusCode::OK);
    for _ in 0..2 {
        assert_eq!(unread(&server, &path, ("agent", "sue")).await, 1);
        assert_eq!(unread(&server, &path, BOB).await, 0);
    }
}

#[tokio::test]
async fn participants_are_listed_by_id_and_a_user_sees_those_who_serve_it() {
    let (server, judge) = (start().await, Judge::new());
    let path = conversation(&server).await;
    for who in [BOB, ("supervisor", "sue"), ANN] {
        mark(&server, &path, "read", who, &json!({"seq": 3})).await.expect(StatusCode::OK);
    }
    let list = async |who| {
        let listed = Answer::of(dressed(server.get(&format!("{path}/participants")), who)).await;
        judge.hold("list_participants", &listed);
        let all = listed.json();
        let names = all.as_array().unwrap().iter().map(|it| (it["id"].as_str().unwrap(), it["role"].as_str().unwrap()));
        names.map(|(id, role)| format!("{role} {id}")).collect::<Vec<_>>()
    };
    assert_eq!(list(BOB).await, ["user ann", "agent bob", "agent sue"]);
    assert_eq!(list(ANN).await, ["user ann", "agent bob"]);
}
