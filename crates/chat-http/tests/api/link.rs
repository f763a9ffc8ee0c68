//! `Link` and `Location`: followed as they are, under the prefix that the caller used.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Answer, TestServer, start};

/// The target of the link with this relation.
fn target(answer: &Answer, rel: &str) -> Option<String> {
    let link = answer.header("link");
    let found = link.split(", ").find(|link| link.ends_with(&format!("; rel=\"{rel}\"")))?;
    Some(found[1..found.find('>').unwrap()].to_owned())
}

/// Follows a relation from a path to its end; the values of one field of all that was listed on the way.
async fn follow(server: &TestServer, path: &str, rel: &str, field: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let answer = Answer::of(server.get(&path)).await;
        let page = answer.expect(StatusCode::OK);
        let rows = page.as_array().or(page["messages"].as_array()).unwrap();
        pages.push(rows.iter().map(|row| row[field].clone()).collect());
        next = target(&answer, rel);
        assert!(pages.len() < 20, "the links go in circles");
    }
    pages
}

#[tokio::test]
async fn messages_are_paged_forwards_and_back_under_either_prefix() {
    let server = start().await;
    let path = server.session_path().await;
    for number in 1..=7 {
        server.say(&path, &number.to_string()).await;
    }
    for prefix in ["/api/v1", "/api/v1/chat"] {
        let path = path.replace("/api/v1", prefix);
        let pages = follow(&server, &format!("{path}/messages?limit=3"), "next", "seq").await;
        assert_eq!(json!(pages), json!([[1, 2, 3], [4, 5, 6], [7]]));
        let pages =
            follow(&server, &format!("{path}/messages?limit=3&offset=1&include_deleted=true"), "next", "seq").await;
        assert_eq!(json!(pages), json!([[2, 3, 4], [5, 6, 7]]));
        let pages = follow(&server, &format!("{path}/messages?order=desc&limit=4"), "next", "seq").await;
        assert_eq!(json!(pages), json!([[7, 6, 5, 4], [3, 2, 1]]));
        let pages = follow(&server, &format!("{path}?message_limit=3"), "prev", "seq").await;
        assert_eq!(json!(pages), json!([[5, 6, 7], [2, 3, 4], [1]]));
        let first = Answer::of(server.get(&format!("{path}/messages?limit=3&after=1&order=asc"))).await;
        let next = target(&first, "next").unwrap();
        assert!(next.starts_with(&path) && next.contains("order=asc") && next.contains("limit=3"), "{next}");
    }
}

#[tokio::test]
async fn a_users_sessions_are_paged_both_ways_whatever_the_user_is_called() {
    let server = start().await;
    let user = "a/b?<ü>\"";
    let mut ids = Vec::new();
    for _ in 0..5 {
        let answer = Answer::of(server.post("/api/v1/sessions").json(&json!({"user_id": user}))).await;
        ids.insert(0, answer.expect(StatusCode::CREATED)["id"].clone());
        server.clock.advance_seconds(1);
    }
    for prefix in ["/api/v1", "/api/v1/chat"] {
        let path = format!("{prefix}/users/a%2Fb%3F%3C%C3%BC%3E%22/sessions?limit=2&active_only=true");
        let pages = follow(&server, &path, "next", "id").await;
        assert_eq!(pages, [&ids[..2], &ids[2..4], &ids[4..]]);
        let second = target(&Answer::of(server.get(&path)).await, "next").unwrap();
        assert!(second.starts_with(prefix) && second.contains("active_only=true"), "{second}");
        let back = target(&Answer::of(server.get(&second)).await, "prev").unwrap();
        assert_eq!(follow(&server, &back, "prev", "id").await, [&ids[..2]]);
    }
}

#[tokio::test]
async fn what_was_made_is_found_where_location_says() {
    let server = start().await;
    for prefix in ["/api/v1", "/api/v1/chat"] {
        let made = Answer::of(server.post(&format!("{prefix}/sessions")).json(&json!({"user_id": "ann"}))).await;
        let (session, location) = (made.expect(StatusCode::CREATED), made.header("location"));
        assert_eq!(location, format!("{prefix}/sessions/{}", session["id"].as_str().unwrap()));
        assert_eq!(Answer::of(server.get(location)).await.expect(StatusCode::OK)["id"], session["id"]);
        let body = json!({"content": "hello", "sender_type": "user", "sender_id": "ann"});
        let made = Answer::of(server.post(&format!("{location}/messages")).json(&body)).await;
        let (message, location) = (made.expect(StatusCode::CREATED), made.header("location"));
        assert!(location.starts_with(&format!("{prefix}/messages/")));
        assert_eq!(Answer::of(server.get(location)).await.expect(StatusCode::OK), message);
    }
}

#[tokio::test]
async fn an_empty_list_leads_nowhere() {
    let server = start().await;
    let path = server.session_path().await;
    assert_eq!(Answer::of(server.get(&format!("{path}/messages"))).await.header("link"), "");
    assert_eq!(Answer::of(server.get("/api/v1/users/nobody/sessions")).await.header("link"), "");
}
