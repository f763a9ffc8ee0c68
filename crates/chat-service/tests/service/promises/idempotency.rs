//! One key, one thing, however often and through whichever node it is sent.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client, message};
use crate::store::Store;

const TIMES: usize = 100;

pub(crate) async fn a_hundred_equal_posts_make_one_message(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    let session = first.new_session().await;
    let path = format!("/sessions/{session}/messages");
    let answers = post_often(&first, &second, &path, &message("u-1", "once")).await;
    assert_one_was_made(&answers);
    let stored = first.all_messages(&session, "").await;
    assert_eq!(stored, [answers[0].body.clone()]);
}

pub(crate) async fn a_hundred_equal_posts_make_one_session(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    let body = json!({"user_id": "u-once", "metadata": {"n": -0.0}});
    let answers = post_often(&first, &second, "/sessions", &body).await;
    assert_one_was_made(&answers);
    let stored = second.get("/users/u-once/sessions").await.expect(200);
    assert_eq!(stored, json!([answers[0].body]));
}

async fn post_often(first: &Client, second: &Client, path: &str, body: &Value) -> Vec<Answer> {
    let posts = (0..TIMES).map(|n| {
        let client = if n % 2 == 0 { first.clone() } else { second.clone() };
        let (path, body) = (path.to_owned(), body.clone());
        let key = [("Idempotency-Key", "the-one-key")];
        tokio::spawn(async move { client.send(Method::POST, &path, &key, Some(&body)).await.unwrap() })
    });
    let mut answers = Vec::new();
    for post in posts.collect::<Vec<_>>() {
        answers.push(post.await.unwrap());
    }
    answers
}

fn assert_one_was_made(answers: &[Answer]) {
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
    let made = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).count();
    assert_eq!(made, 1, "exactly one request made it, the others replayed it");
}
