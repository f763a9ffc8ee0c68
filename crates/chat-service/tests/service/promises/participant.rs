//! Receipts and unread counts through two nodes: what one takes the other counts no more, at once.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, message};
use crate::store::Store;

const TURNS: usize = 60;
const RECEIPTS: usize = 24;

const BOB: [(&str, &str); 2] = [("x-user-role", "agent"), ("x-user-id", "bob")];

async fn read(client: &Client, session: &str, seq: usize) -> Value {
    let (path, body) = (format!("{session}/read"), json!({"seq": seq}));
    client.send_until_done(Method::POST, &path, &BOB, Some(&body)).await.unwrap().expect(200)
}

/// What `bob` has not read, by the session and by the list of its user.
async fn unread(client: &Client, session: &str, user: &str) -> [Value; 2] {
    let shown = client.send(Method::GET, &format!("{session}?message_limit=10"), &BOB, None).await.unwrap().expect(200);
    let listed = client.send(Method::GET, &format!("/users/{user}/sessions"), &BOB, None).await.unwrap().expect(200);
    [shown["unread_count"].clone(), listed[0]["unread_count"].clone()]
}

pub(crate) async fn what_is_read_on_one_node_the_other_counts_no_more(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    let made = first.post("/sessions", &json!({"user_id": "reader"})).await.expect(201);
    let session = format!("/sessions/{}", made["id"].as_str().unwrap());
    for turn in 1..=TURNS {
        let (one, other) = if turn % 2 == 0 { (&first, &second) } else { (&second, &first) };
        one.store(&format!("{session}/messages"), &[], &message("reader", "hello")).await.unwrap();
        assert_eq!(unread(other, &session, "reader").await, [1, 1], "turn {turn}");
        let bob = read(one, &session, turn).await;
        assert_eq!(unread(other, &session, "reader").await, [0, 0], "turn {turn}");
        assert_eq!(other.get(&format!("{session}/participants")).await.expect(200), json!([bob]));
    }
    assert_eq!(first.get(&session).await.expect(200)["rev"], 1 + 2 * TURNS);
}

pub(crate) async fn receipts_on_two_nodes_at_once_end_at_the_highest(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    let clients = [&first, &second];
    let session = format!("/sessions/{}", first.new_session().await);
    for _ in 0..RECEIPTS {
        first.store(&format!("{session}/messages"), &[], &message("u-1", "hello")).await.unwrap();
    }
    let receipts = (1..=RECEIPTS).map(|n| read(clients[n % 2], &session, (n * 7) % (RECEIPTS + 1)));
    join_all(receipts).await;
    let listed = second.get(&format!("{session}/participants")).await.expect(200);
    let shown = first.get(&session).await.expect(200);
    assert_eq!((&listed[0]["read_seq"], &listed[0]["rev"]), (&json!(RECEIPTS), &shown["rev"]));
    assert!(shown["rev"].as_u64().unwrap() <= 1 + 2 * RECEIPTS as u64, "{shown}");
}
