//! Editing messages, restoring them, and their histories, over the wire.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::server::{Answer, TestServer, start};

/// The path of a new message of `ann` in a new session, and that of the session.
async fn said(server: &TestServer, content: &str) -> (String, String) {
    let session = server.session_path().await;
    let message = server.say(&session, content).await;
    (format!("/api/v1/messages/{}", message["id"].as_str().unwrap()), session)
}

async fn edit(server: &TestServer, at: &str, body: Value) -> Answer {
    Answer::of(server.patch(at).json(&body)).await
}

async fn history(server: &TestServer, at: &str, query: &str) -> Answer {
    Answer::of(server.get(&format!("{at}/history{query}"))).await
}

fn restore(server: &TestServer, at: &str) -> RequestBuilder {
    server.post(&format!("{at}/restore"))
}

fn by(request: RequestBuilder, id: &str, role: &str) -> RequestBuilder {
    request.header("x-user-id", id).header("x-user-role", role)
}

/// The texts of a history.
fn texts(history: &Value) -> Vec<&str> {
    history.as_array().unwrap().iter().map(|version| version["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_edit_shows_everywhere_and_the_text_before_stays_in_the_history() {
    let server = start().await;
    let (at, session) = said(&server, "hello").await;
    let before = Answer::of(server.get(&at)).await.json();
    server.clock.advance_seconds(1);
    let answer = edit(&server, &at, json!({"content": "hi", "metadata": {"a": [1]}})).await;
    let edited = answer.expect(StatusCode::OK);
    assert_eq!((answer.header("etag"), answer.header("cache-control")), ("\"3-f\"", "private, no-cache"));
    let mut expected = before.clone();
    for (name, value) in [
        ("content", json!("hi")),
        ("metadata", json!({"a": [1]})),
        ("rev", json!(3)),
        ("edited_at", edited["edited_at"].clone()),
    ] {
        expected[name] = value;
    }
    assert_eq!(edited, expected);
    assert!(edited["edited_at"].as_str() > before["created_at"].as_str());
    assert_eq!(Answer::of(server.get(&at)).await.json(), edited);
    assert_eq!(Answer::of(server.get(&format!("{session}/messages"))).await.json(), json!([edited]));
    let shown = Answer::of(server.get(&session)).await.json();
    assert_eq!((&shown["rev"], &shown["version"], &shown["message_count"]), (&json!(3), &json!(1), &json!(1)));
    assert_eq!(shown["updated_at"], edited["edited_at"]);
    let versions = json!([
        {"content": "hello", "edited_by": "ann", "edited_at": before["created_at"]},
        {"content": "hi", "edited_by": "service", "edited_at": edited["edited_at"]},
    ]);
    assert_eq!(history(&server, &at, "").await.expect(StatusCode::OK), versions);
}

#[tokio::test]
async fn what_is_as_wanted_already_does_not_change() {
    let server = start().await;
    let (at, _) = said(&server, "hello").await;
    let before = Answer::of(server.get(&at)).await.json();
    for same in [json!({}), json!({"content": "hello"}), json!({"metadata": {}}), json!({"metadata": null})] {
        assert_eq!(edit(&server, &at, same).await.expect(StatusCode::OK), before);
    }
    assert_eq!(texts(&history(&server, &at, "").await.json()), ["hello"]);
}

#[tokio::test]
async fn metadata_are_replaced_or_merged_as_the_media_type_says() {
    let server = start().await;
    let (at, _) = said(&server, "hello").await;
    for (media, sent, expected) in [
        ("application/json", json!({"a": 1, "b": 2}), json!({"a": 1, "b": 2})),
        ("application/merge-patch+json", json!({"a": null, "c": 3}), json!({"b": 2, "c": 3})),
        ("application/json", json!({"d": 4}), json!({"d": 4})),
        ("application/merge-patch+json", Value::Null, json!({})),
    ] {
        let body = json!({"metadata": sent}).to_string();
        let changed = Answer::of(server.patch(&at).header("content-type", media).body(body)).await;
        let changed = changed.expect(StatusCode::OK);
        assert_eq!((&changed["metadata"], &changed["edited_at"]), (&expected, &Value::Null), "{media} {sent}");
    }
    assert_eq!(Answer::of(server.get(&at)).await.json()["rev"], 6);
    assert_eq!(texts(&history(&server, &at, "").await.json()), ["hello"]);
}

#[tokio::test]
async fn an_edit_goes_through_only_on_what_the_client_saw() {
    let server = start().await;
    let (at, _) = said(&server, "hello").await;
    let tag = Answer::of(server.get(&at)).await.header("etag").to_owned();
    let change =
        |tag: &str, text: &str| Answer::of(server.patch(&at).header("if-match", tag).json(&json!({"content": text})));
    for stale in ["\"1-f\"", "\"v1\"", "W/\"2-f\"", "nonsense", "\"\""] {
        change(stale, "other").await.problem(412, "precondition_failed");
        change(stale, "hello").await.problem(412, "precondition_failed");
    }
    assert_eq!(change(&tag, "other").await.expect(StatusCode::OK)["rev"], 3);
    change(&tag, "later").await.problem(412, "precondition_failed");
    change("*", "later").await.expect(StatusCode::OK);
    assert_eq!(texts(&history(&server, &at, "").await.json()), ["hello", "other", "later"]);
}

#[tokio::test]
async fn a_bad_edit_is_a_422_that_names_every_fault_and_changes_nothing() {
    let server = start().await;
    let (at, _) = said(&server, "hello").await;
    let before = Answer::of(server.get(&at)).await.json();
    for (body, expected) in [
        (json!({"content": null, "metadata": []}), vec!["/content invalid_type", "/metadata invalid_type"]),
        (json!({"content": " \n", "metadata": {"a": "\u{0}"}}), vec!["/content blank", "/metadata/a nul_character"]),
        (json!({"content": ""}), vec!["/content blank"]),
        (json!({"content": "a\u{0}"}), vec!["/content nul_character"]),
        (json!({"content": "x".repeat(16_385)}), vec!["/content too_long"]),
        (json!({"content": 1}), vec!["/content invalid_type"]),
        (json!({"content": "x", "rev": 3, "sender_id": "eve"}), vec!["/rev unknown_field", "/sender_id unknown_field"]),
        (json!({"metadata": {"a": "x".repeat(16_384)}}), vec!["/metadata too_large"]),
    ] {
        for media in ["application/json", "application/merge-patch+json"] {
            let request = server.patch(&at).header("content-type", media).body(body.to_string());
            assert_eq!(Answer::of(request).await.faults(), expected, "{body}");
        }
    }
    let raw = |media: &str, body: &'static str| server.patch(&at).header("content-type", media).body(body);
    for body in ["", "{", "nope", r#"{"metadata":{"a":1e400}}"#, r#"{"content":"\ud800"}"#] {
        Answer::of(raw("application/json", body)).await.problem(400, "malformed_json");
    }
    for body in ["[]", "null", r#"["hello"]"#] {
        assert_eq!(Answer::of(raw("application/json", body)).await.faults(), ["invalid_type"], "{body}");
    }
    for media in ["text/plain", "application/json-patch+json", "application/json; charset=latin1", ""] {
        Answer::of(raw(media, "{}")).await.problem(415, "unsupported_media_type");
    }
    assert_eq!(Answer::of(server.get(&at)).await.json(), before);
    let unknown = format!("{at}?x=1");
    assert_eq!(edit(&server, &unknown, json!({})).await.faults(), ["query /x unknown_parameter"]);
    edit(&server, "/api/v1/messages/0198c0de-0000-7000-8000-0000000000ff", json!({"content": "x"}))
        .await
        .problem(404, "message_not_found");
}

#[tokio::test]
async fn a_merge_that_would_grow_too_large_is_a_422() {
    let server = start().await;
    let (at, _) = said(&server, "hello").await;
    let half = |key: &str| json!({"metadata": {key: "x".repeat(9_000)}}).to_string();
    let merge = |body| server.patch(&at).header("content-type", "application/merge-patch+json").body(body);
    Answer::of(merge(half("a"))).await.expect(StatusCode::OK);
    assert_eq!(Answer::of(merge(half("b"))).await.faults(), ["/metadata too_large"]);
}

#[tokio::test]
async fn who_may_edit_what() {
    let server = start().await;
    let change = async |id: &str, role: &str| {
        let (at, _) = said(&server, "hello").await;
        Answer::of(by(server.patch(&at), id, role).json(&json!({"content": "other"}))).await
    };
    change("ann", "user").await.expect(StatusCode::OK);
    change("eve", "user").await.problem(404, "message_not_found");
    change("bob", "agent").await.problem(403, "forbidden");
    change("sue", "supervisor").await.problem(403, "forbidden");
    change("al", "admin").await.expect(StatusCode::OK);
    change("svc", "service").await.expect(StatusCode::OK);
    let (late, _) = said(&server, "hello").await;
    server.clock.advance_seconds(16 * 60);
    let late = by(server.patch(&late), "ann", "user").json(&json!({"content": "other"}));
    Answer::of(late).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_tombstone_is_not_edited_and_its_history_is_empty_until_it_is_restored() {
    let server = start().await;
    let (at, session) = said(&server, "secret").await;
    let edited = edit(&server, &at, json!({"content": "another secret"})).await.expect(StatusCode::OK);
    Answer::of(server.delete(&at)).await.expect(StatusCode::OK);
    for body in [json!({"content": "x"}), json!({}), json!({"metadata": {"a": 1}})] {
        edit(&server, &at, body).await.problem(409, "message_deleted");
    }
    let hidden = history(&server, &at, "").await;
    assert_eq!((hidden.expect(StatusCode::OK), hidden.header("etag")), (json!([]), "\"4-f-l100-a0\""));
    let answer = Answer::of(restore(&server, &at)).await;
    let restored = answer.expect(StatusCode::OK);
    assert_eq!((answer.header("etag"), answer.header("idempotent-replayed")), ("\"5-f\"", ""));
    let mut expected = edited;
    expected["rev"] = json!(5);
    assert_eq!(restored, expected);
    assert_eq!(Answer::of(server.get(&format!("{session}/messages"))).await.json(), json!([restored]));
    assert_eq!(texts(&history(&server, &at, "").await.json()), ["secret", "another secret"]);
    assert_eq!(Answer::of(restore(&server, &at).json(&json!({}))).await.expect(StatusCode::OK), restored);
    let shown = Answer::of(server.get(&session)).await.json();
    assert_eq!((&shown["rev"], &shown["message_count"]), (&json!(5), &json!(1)));
}

#[tokio::test]
async fn who_may_restore_what() {
    let server = start().await;
    let attempt = async |id: &str, role: &str| {
        let (at, _) = said(&server, "hello").await;
        Answer::of(server.delete(&at)).await.expect(StatusCode::OK);
        Answer::of(by(restore(&server, &at), id, role)).await
    };
    attempt("ann", "user").await.problem(403, "forbidden");
    attempt("eve", "user").await.problem(404, "message_not_found");
    attempt("bob", "agent").await.problem(403, "forbidden");
    for role in ["supervisor", "admin", "service"] {
        attempt("sue", role).await.expect(StatusCode::OK);
    }
    let (at, _) = said(&server, "hello").await;
    Answer::of(restore(&server, &at).header("if-match", "\"1-f\"")).await.problem(412, "precondition_failed");
    assert_eq!(Answer::of(restore(&server, &at).json(&json!({"x": 1}))).await.faults(), ["/x unknown_field"]);
    let nothing = "/api/v1/messages/0198c0de-0000-7000-8000-0000000000ff";
    Answer::of(restore(&server, nothing)).await.problem(404, "message_not_found");
}

#[tokio::test]
async fn a_repeated_restoration_restores_nothing() {
    let server = start().await;
    let (at, _) = said(&server, "hello").await;
    Answer::of(server.delete(&at)).await.expect(StatusCode::OK);
    let keyed = async || Answer::of(restore(&server, &at).header("idempotency-key", "k")).await;
    let (first, again) = (keyed().await, keyed().await);
    assert_eq!(first.expect(StatusCode::OK), again.expect(StatusCode::OK));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    Answer::of(server.delete(&at)).await.expect(StatusCode::OK);
    let again = keyed().await;
    assert_eq!((&again.json()["is_deleted"], again.header("idempotent-replayed")), (&json!(true), "true"));
    assert!(!again.text().contains("hello"));
}

#[tokio::test]
async fn a_replay_shows_the_text_of_now() {
    let server = start().await;
    let session = server.session_path().await;
    let body = json!({"content": "hello", "sender_type": "user", "sender_id": "ann"});
    let send = async || {
        Answer::of(server.post(&format!("{session}/messages")).header("idempotency-key", "k").json(&body)).await
    };
    let made = send().await;
    let edited = edit(&server, made.header("location"), json!({"content": "other"})).await.expect(StatusCode::OK);
    let again = send().await;
    assert_eq!((again.expect(StatusCode::CREATED), again.header("etag")), (edited, "\"3-f\""));
}

#[tokio::test]
async fn a_history_is_read_page_by_page() {
    let server = start().await;
    let (at, _) = said(&server, "text 1").await;
    for number in 2..=5 {
        edit(&server, &at, json!({"content": format!("text {number}")})).await.expect(StatusCode::OK);
    }
    let mut path = format!("{at}/history?limit=2");
    let mut read = Vec::new();
    for links in [vec!["next"], vec!["next", "prev"], vec!["prev"]] {
        let page = Answer::of(server.get(&path)).await;
        read.extend(texts(&page.expect(StatusCode::OK)).into_iter().map(str::to_owned));
        let link = page.header("link");
        let found: Vec<_> =
            ["next", "prev"].into_iter().filter(|rel| link.contains(&format!("rel=\"{rel}\""))).collect();
        assert_eq!(found, links, "{link}");
        if links[0] == "next" {
            path = link.split('>').next().unwrap().trim_start_matches('<').to_owned();
        }
    }
    assert_eq!(read, ["text 1", "text 2", "text 3", "text 4", "text 5"]);
    for (query, expected) in [
        ("", &["text 1", "text 2", "text 3", "text 4", "text 5"][..]),
        ("?after=4", &["text 5"]),
        ("?after=5", &[]),
        ("?after=9223372036854775807", &[]),
        ("?after=1&limit=3", &["text 2", "text 3", "text 4"]),
    ] {
        assert_eq!(texts(&history(&server, &at, query).await.expect(StatusCode::OK)), expected, "{query}");
    }
    for (query, faults) in [
        ("?limit=0&after=-1", vec!["query /limit out_of_range", "query /after out_of_range"]),
        ("?limit=1001", vec!["query /limit out_of_range"]),
        ("?before=1", vec!["query /before unknown_parameter"]),
    ] {
        assert_eq!(history(&server, &at, query).await.faults(), faults);
    }
}

#[tokio::test]
async fn a_history_that_the_client_has_is_not_sent_again() {
    let server = start().await;
    let (at, _) = said(&server, "hello").await;
    let tags = async |query| history(&server, &at, query).await.header("etag").to_owned();
    let (all, some) = (tags("").await, tags("?limit=5").await);
    assert_ne!(all, some);
    let again = |tag: &str| Answer::of(server.get(&format!("{at}/history")).header("if-none-match", tag));
    assert_eq!(again(&all).await.status, StatusCode::NOT_MODIFIED);
    again(&some).await.expect(StatusCode::OK);
    edit(&server, &at, json!({"content": "other"})).await.expect(StatusCode::OK);
    again(&all).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_history_is_for_those_who_may_see_the_message() {
    let server = start().await;
    let (at, session) = said(&server, "hello").await;
    edit(&server, &at, json!({"content": "other"})).await.expect(StatusCode::OK);
    let note = json!({"content": "careful", "visibility": "internal"});
    let note = by(server.post(&format!("{session}/messages")), "bob", "agent").json(&note);
    let note = Answer::of(note).await.expect(StatusCode::CREATED);
    let note = format!("/api/v1/messages/{}", note["id"].as_str().unwrap());
    let read = |at: &str, id: &str, role: &str| Answer::of(by(server.get(&format!("{at}/history")), id, role));
    assert_eq!(texts(&read(&at, "ann", "user").await.expect(StatusCode::OK)), ["hello", "other"]);
    read(&at, "eve", "user").await.problem(404, "message_not_found");
    read(&note, "ann", "user").await.problem(404, "message_not_found");
    assert_eq!(texts(&read(&note, "sue", "agent").await.expect(StatusCode::OK)), ["careful"]);
    let foreign = by(server.get(&format!("{at}/history")), "ann", "user").header("x-tenant-id", "other");
    Answer::of(foreign).await.problem(404, "message_not_found");
}

#[tokio::test]
async fn texts_of_the_largest_size_come_back_whole() {
    let server = start().await;
    let contents = ["😀", "\u{1}", "\""].map(|char| char.repeat(16_384));
    let (at, _) = said(&server, &contents[0]).await;
    for content in &contents[1..] {
        edit(&server, &at, json!({"content": content})).await.expect(StatusCode::OK);
    }
    assert_eq!(texts(&history(&server, &at, "").await.expect(StatusCode::OK)), contents);
}

#[tokio::test]
async fn edits_at_once_lose_no_version() {
    let server = start().await;
    let (at, _) = said(&server, "hello").await;
    let edits = (0..24).map(|number| edit(&server, &at, json!({"content": format!("text {number}")})));
    let answers = futures_util::future::join_all(edits).await;
    let mut revs: Vec<_> =
        answers.iter().map(|answer| answer.expect(StatusCode::OK)["rev"].as_i64().unwrap()).collect();
    revs.sort_unstable();
    assert_eq!(revs, (3..27).collect::<Vec<_>>());
    let found = history(&server, &at, "").await.json();
    let mut texts: Vec<_> = texts(&found).into_iter().map(str::to_owned).collect();
    assert_eq!(texts[0], "hello");
    assert_eq!(*texts.last().unwrap(), Answer::of(server.get(&at)).await.json()["content"]);
    texts.sort();
    let mut expected: Vec<_> = (0..24).map(|number| format!("text {number}")).chain(["hello".to_owned()]).collect();
    expected.sort();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn an_ended_sessions_messages_are_edited_and_restored_still() {
    let server = start().await;
    let (at, session) = said(&server, "hello").await;
    Answer::of(server.post(&format!("{session}/end"))).await.expect(StatusCode::OK);
    edit(&server, &at, json!({"content": "other"})).await.expect(StatusCode::OK);
    Answer::of(server.delete(&at)).await.expect(StatusCode::OK);
    Answer::of(restore(&server, &at)).await.expect(StatusCode::OK);
}
