//! Extensions and reactions over the wire.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::server::{Answer, TestServer, start};

/// The path of a new message of `ann`.
async fn message(server: &TestServer) -> String {
    let session = server.session_path().await;
    at(&server.say(&session, "hello").await)
}

fn at(message: &Value) -> String {
    format!("/api/v1/messages/{}", message["id"].as_str().unwrap())
}

fn as_ann(request: RequestBuilder) -> RequestBuilder {
    request.header("x-user-id", "ann").header("x-user-role", "user")
}

async fn add(server: &TestServer, message: &str, body: &Value) -> Answer {
    Answer::of(server.post(&format!("{message}/extensions")).json(body)).await
}

/// An emoji in a path.
fn reaction(message: &str, emoji: &str) -> String {
    let encoded = emoji.bytes().fold(String::new(), |path, byte| path + &format!("%{byte:02X}"));
    format!("{message}/reactions/{encoded}")
}

async fn put(server: &TestServer, message: &str, emoji: &str) -> Answer {
    Answer::of(as_ann(server.request(Method::PUT, &reaction(message, emoji)))).await
}

async fn take_back(server: &TestServer, message: &str, emoji: &str) -> Answer {
    Answer::of(as_ann(server.delete(&reaction(message, emoji)))).await
}

#[tokio::test]
async fn a_new_extension_has_every_field_and_stands_with_its_message() {
    let server = start().await;
    let message = message(&server).await;
    let made = add(&server, &message, &json!({"extension_type": "x.y-z_0", "data": {"a": [1.50, null]}})).await;
    let extension = made.expect(StatusCode::CREATED);
    let expected = json!({
        "id": extension["id"], "message_id": message.rsplit('/').next().unwrap(), "extension_type": "x.y-z_0",
        "data": {"a": [1.50, null]}, "created_at": extension["created_at"],
    });
    assert_eq!(extension, expected);
    assert_eq!(made.header("location"), format!("{message}/extensions/{}", extension["id"].as_str().unwrap()));
    assert_eq!((made.header("etag"), made.header("cache-control")), ("\"3-f\"", "private, no-cache"));
    assert_eq!(Answer::of(server.get(made.header("location"))).await.expect(StatusCode::OK), extension);
    let list = Answer::of(server.get(&format!("{message}/extensions"))).await;
    assert_eq!((list.expect(StatusCode::OK), list.header("link")), (json!([extension]), ""));
    let shown = Answer::of(server.get(&message)).await.expect(StatusCode::OK);
    assert_eq!(
        (&shown["extensions"], &shown["rev"], &shown["edited_at"]),
        (&json!([extension]), &json!(3), &Value::Null)
    );
}

#[tokio::test]
async fn what_hangs_on_a_message_is_taken_off_once() {
    let server = start().await;
    let message = message(&server).await;
    let made = add(&server, &message, &json!({"extension_type": "note", "data": {}})).await;
    let path = made.header("location").to_owned();
    Answer::of(server.delete(&path).header("if-match", "\"2-f\"")).await.problem(412, "precondition_failed");
    let gone = Answer::of(server.delete(&path).header("if-match", made.header("etag"))).await;
    assert_eq!((gone.status, gone.bytes.len(), gone.header("etag")), (StatusCode::NO_CONTENT, 0, ""));
    Answer::of(server.delete(&path)).await.problem(404, "extension_not_found");
    Answer::of(server.get(&path)).await.problem(404, "extension_not_found");
    let shown = Answer::of(server.get(&message)).await.expect(StatusCode::OK);
    assert_eq!((&shown["extensions"], &shown["rev"]), (&json!([]), &json!(4)));
}

#[tokio::test]
async fn the_list_goes_on_with_the_earlier_texts_page_by_page() {
    let server = start().await;
    let message = message(&server).await;
    for content in ["one", "two", "three"] {
        Answer::of(server.patch(&message).json(&json!({"content": content}))).await.expect(StatusCode::OK);
    }
    let note = add(&server, &message, &json!({"extension_type": "note", "data": {}})).await.expect(StatusCode::CREATED);
    let (mut path, mut texts) = (format!("{message}/extensions?limit=2"), Vec::new());
    let first = Answer::of(server.get(&path)).await;
    assert_eq!(first.expect(StatusCode::OK)[0], note);
    for _ in 0..5 {
        let page = Answer::of(server.get(&path)).await;
        let extensions = page.expect(StatusCode::OK);
        let earlier = extensions.as_array().unwrap().iter().filter(|one| one["extension_type"] == "edit_history");
        texts.extend(earlier.map(|one| one["data"]["content"].as_str().unwrap().to_owned()));
        let known = Answer::of(server.get(&path).header("if-none-match", page.header("etag"))).await;
        assert_eq!((known.status, known.header("link")), (StatusCode::NOT_MODIFIED, page.header("link")));
        let next = page.header("link").split(", ").find(|link| link.ends_with("rel=\"next\"")).map(str::to_owned);
        let Some(next) = next else { break };
        path = next[1..next.find('>').unwrap()].to_owned();
    }
    assert_eq!(texts, ["hello", "one", "two"]);
    assert_eq!(Answer::of(server.get(&message)).await.json()["extensions"], json!([note]));
}

#[tokio::test]
async fn a_reaction_is_one_however_often_it_is_put() {
    let server = start().await;
    let message = message(&server).await;
    let first = put(&server, &message, "👍").await;
    let shown = first.expect(StatusCode::OK);
    assert_eq!(first.header("etag"), "\"3-p\"");
    let [extension] = &shown["extensions"].as_array().unwrap()[..] else { panic!("{shown}") };
    assert_eq!(extension["extension_type"], "reaction");
    assert_eq!(extension["data"], json!({"emoji": "👍", "actor_type": "user", "actor_id": "ann"}));
    assert_eq!(put(&server, &message, "👍").await.expect(StatusCode::OK), shown);
    let of_service = Answer::of(server.request(Method::PUT, &reaction(&message, "👍"))).await.expect(StatusCode::OK);
    assert_eq!(
        of_service["extensions"][1]["data"],
        json!({"emoji": "👍", "actor_type": "system", "actor_id": "service"})
    );
    let back = take_back(&server, &message, "👍").await.expect(StatusCode::OK);
    assert_eq!((back["extensions"].as_array().unwrap().len(), &back["rev"]), (1, &json!(5)));
    assert_eq!(take_back(&server, &message, "👍").await.expect(StatusCode::OK), back);
    assert_eq!(Answer::of(server.get(&message)).await.json(), back);
}

#[tokio::test]
async fn an_emoji_is_any_that_there_is_and_nothing_else() {
    let server = start().await;
    let message = message(&server).await;
    for emoji in ["👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "❤️"]
    {
        let shown = put(&server, &message, emoji).await.expect(StatusCode::OK);
        assert_eq!(shown["extensions"].as_array().unwrap().last().unwrap()["data"]["emoji"], emoji);
    }
    let before = Answer::of(server.get(&message)).await.json();
    assert_eq!(put(&server, &message, "❤").await.expect(StatusCode::OK), before, "the same in another spelling");
    for text in ["a", " ", "1", "👍👍", "👍a", "\0", "/", "\u{fe0f}"] {
        for answer in [put(&server, &message, text).await, take_back(&server, &message, text).await] {
            assert_eq!(answer.faults(), ["path /emoji not_an_emoji"], "{text:?}");
        }
    }
    assert_eq!(put(&server, &message, &"👍".repeat(17)).await.faults(), ["path /emoji too_long"]);
    let broken = as_ann(server.request(Method::PUT, &format!("{message}/reactions/%F0%9F")));
    assert_eq!(Answer::of(broken).await.faults(), ["path /emoji invalid_encoding"]);
    // As a browser would send it, and under the gateway's prefix.
    let forwarded = format!("{}/reactions/👍", message.replace("/v1/", "/v1/chat/"));
    Answer::of(as_ann(server.request(Method::PUT, &forwarded))).await.expect(StatusCode::OK);
    Answer::of(server.request(Method::PUT, &format!("{message}/reactions/"))).await.problem(404, "not_found");
}

#[tokio::test]
async fn what_is_no_extension_of_a_client_is_refused() {
    let server = start().await;
    let message = message(&server).await;
    for (body, faults) in [
        (json!({"extension_type": "edit_history", "data": {}}), vec!["/extension_type reserved_type"]),
        (json!({"extension_type": "attachment", "data": {}}), vec!["/extension_type reserved_type"]),
        (json!({"extension_type": "reaction", "data": {"emoji": "👍"}}), vec!["/extension_type reserved_type"]),
        (json!({"extension_type": "No", "data": []}), vec!["/extension_type invalid_value", "/data invalid_type"]),
        (json!({"extension_type": 1, "data": null}), vec!["/extension_type invalid_type", "/data invalid_type"]),
        (json!({}), vec!["/extension_type missing_field", "/data missing_field"]),
        (
            json!({"extension_type": "a", "data": {"x": "\0"}, "id": 1}),
            vec!["/id unknown_field", "/data/x nul_character"],
        ),
        (json!({"extension_type": "a", "data": {"x": "y".repeat(16 * 1024)}}), vec!["/data too_large"]),
    ] {
        let mut found = add(&server, &message, &body).await.faults();
        let mut faults: Vec<_> = faults.into_iter().map(str::to_owned).collect();
        found.sort();
        faults.sort();
        assert_eq!(found, faults, "{body}");
    }
    let largest = json!({"extension_type": "a", "data": {"x": "y".repeat(16 * 1024 - 8)}});
    add(&server, &message, &largest).await.expect(StatusCode::CREATED);
    let nowhere = "/api/v1/messages/0198c0de-0000-7000-8000-0000000000ff";
    add(&server, nowhere, &json!({"extension_type": "a", "data": {}})).await.problem(404, "message_not_found");
    put(&server, nowhere, "👍").await.problem(404, "message_not_found");
    take_back(&server, nowhere, "👍").await.problem(404, "message_not_found");
    Answer::of(server.get(&format!("{nowhere}/extensions"))).await.problem(404, "message_not_found");
}

#[tokio::test]
async fn a_deleted_message_takes_nothing_and_shows_nothing() {
    let server = start().await;
    let message = message(&server).await;
    let path = add(&server, &message, &json!({"extension_type": "a", "data": {}})).await.header("location").to_owned();
    Answer::of(server.delete(&message)).await.expect(StatusCode::OK);
    add(&server, &message, &json!({"extension_type": "a", "data": {}})).await.problem(409, "message_deleted");
    put(&server, &message, "👍").await.problem(409, "message_deleted");
    take_back(&server, &message, "👍").await.problem(409, "message_deleted");
    Answer::of(server.delete(&path)).await.problem(409, "message_deleted");
    Answer::of(server.get(&path)).await.problem(404, "extension_not_found");
    assert_eq!(Answer::of(server.get(&format!("{message}/extensions"))).await.expect(StatusCode::OK), json!([]));
}

#[tokio::test]
async fn a_message_has_room_for_so_much() {
    let server = start().await;
    let message = message(&server).await;
    let emoji = [
        "😀", "😃", "😄", "😁", "😆", "😅", "🤣", "😂", "🙂", "🙃", "🫠", "😉", "😊", "😇", "🥰", "😍", "🤩", "😘",
        "😗", "😚",
    ];
    for emoji in emoji {
        put(&server, &message, emoji).await.expect(StatusCode::OK);
    }
    put(&server, &message, "👍").await.problem(409, "too_many_emoji");
    put(&server, &message, emoji[0]).await.expect(StatusCode::OK);
    for _ in emoji.len()..100 {
        add(&server, &message, &json!({"extension_type": "a", "data": {}})).await.expect(StatusCode::CREATED);
    }
    add(&server, &message, &json!({"extension_type": "a", "data": {}})).await.problem(409, "too_many_extensions");
    put(&server, &message, emoji[0]).await.expect(StatusCode::OK);
    let session = server.session_path().await;
    let other = at(&server.say(&session, "x").await);
    let large = json!({"extension_type": "a", "data": {"x": "y".repeat(16 * 1024 - 8)}});
    for _ in 0..8 {
        add(&server, &other, &large).await.expect(StatusCode::CREATED);
    }
    add(&server, &other, &json!({"extension_type": "a", "data": {}})).await.problem(409, "extensions_too_large");
    put(&server, &other, "👍").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_repeat_answers_what_was_made_until_that_is_gone() {
    let server = start().await;
    let message = message(&server).await;
    let attempt = async |body: &Value| {
        let request = server.post(&format!("{message}/extensions")).header("idempotency-key", "k");
        Answer::of(request.json(body)).await
    };
    let body = json!({"extension_type": "a", "data": {"b": 1, "c": 2}});
    let (first, again) =
        (attempt(&body).await, attempt(&json!({"data": {"c": 2, "b": 1}, "extension_type": "a"})).await);
    assert_eq!(first.expect(StatusCode::CREATED), again.expect(StatusCode::CREATED));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!(first.header("location"), again.header("location"));
    attempt(&json!({"extension_type": "b", "data": {}})).await.problem(422, "idempotency_key_reused");
    Answer::of(server.delete(first.header("location"))).await;
    attempt(&body).await.problem(410, "extension_gone");
    assert_eq!(Answer::of(server.get(&format!("{message}/extensions"))).await.json(), json!([]));
}

#[tokio::test]
async fn equal_reactions_at_once_are_one_and_take_one_rev() {
    let server = start().await;
    let message = message(&server).await;
    let answers = futures_util::future::join_all((0..24).map(|_| put(&server, &message, "🎉"))).await;
    let shown = Answer::of(server.get(&message)).await.json();
    assert_eq!((shown["extensions"].as_array().unwrap().len(), &shown["rev"]), (1, &json!(3)));
    assert!(answers.iter().all(|answer| answer.expect(StatusCode::OK) == shown));
}
