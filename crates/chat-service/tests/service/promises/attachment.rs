//! Files: through two nodes, and over a kill.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::Client;
use crate::s3_server::count;
use crate::store::Store;

const MEDIA: &str = "multipart/form-data; boundary=x";

/// A form with a text of this name.
pub(crate) fn form(name: &str, text: &[u8]) -> Bytes {
    let head = format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    [head.as_bytes(), text, b"\r\n--x--\r\n"].concat().into()
}

/// Uploads a form.
pub(crate) async fn upload(node: &str, session: &str, form: Bytes) -> Result<(StatusCode, Value), reqwest::Error> {
    let url = format!("{node}/api/v1/sessions/{session}/attachments");
    let request = reqwest::Client::new().post(url).header("content-type", MEDIA).body(form);
    let answer = request.send().await?;
    Ok((answer.status(), answer.json().await?))
}

async fn uploaded(node: &str, session: &str, name: &str, text: &[u8]) -> Value {
    let (status, attachment) = upload(node, session, form(name, text)).await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "{attachment}");
    attachment
}

/// Where an attachment lies.
pub(crate) fn path(attachment: &Value) -> String {
    format!("/attachments/{}", attachment["id"].as_str().unwrap())
}

pub(crate) async fn what_one_node_takes_in_the_other_gives_out(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    let session = first.new_session().await;
    for turn in 0..20 {
        let text = format!("this is file {turn}");
        let attachment = uploaded(&nodes.first_url(), &session, "a.txt", text.as_bytes()).await;
        let body = json!({"content": "", "sender_type": "user", "sender_id": "u-1", "attachments": [attachment["id"]]});
        let message = second.post(&format!("/sessions/{session}/messages"), &body).await.expect(201);
        for node in [&first, &second] {
            let listed = node.get(&format!("/sessions/{session}/messages?order=desc&limit=1")).await.expect(200);
            assert_eq!(listed, json!([message]));
            assert_eq!(listed[0]["extensions"][0]["data"], attachment);
            assert_eq!(node.get(&path(&attachment)).await.expect(200), json!(text));
        }
        let part = second.send(Method::GET, &path(&attachment), &[("Range", "bytes=8-11")], None).await.unwrap();
        assert_eq!(part.expect(206), json!("file"));
        let message = format!("/messages/{}", message["id"].as_str().unwrap());
        first.send(Method::DELETE, &message, &[], None).await.unwrap().expect(200);
        second.get(&path(&attachment)).await.expect(404);
        second.post(&format!("{message}/restore"), &json!({})).await.expect(200);
        first.get(&path(&attachment)).await.expect(200);
    }
}

pub(crate) async fn one_key_keeps_one_file_on_two_nodes(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, _) = nodes.clients();
    let session = first.new_session().await;
    let form = form("a.txt", b"once");
    let uploads = (0..20).map(|turn| {
        let node = if turn % 2 == 0 { nodes.first_url() } else { nodes.second_url() };
        let url = format!("{node}/api/v1/sessions/{session}/attachments");
        let request = reqwest::Client::new().post(url).header("content-type", MEDIA).header("idempotency-key", "k");
        let request = request.body(form.clone());
        tokio::spawn(async move {
            let answer = request.send().await.unwrap();
            let replayed = answer.headers().contains_key("idempotent-replayed");
            (answer.status(), replayed, answer.json::<Value>().await.unwrap())
        })
    });
    let mut answers = Vec::new();
    for upload in uploads.collect::<Vec<_>>() {
        answers.push(upload.await.unwrap());
    }
    assert!(answers.iter().all(|answer| answer.0 == 201 && answer.2 == answers[0].2), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| !answer.1).count(), 1);
    assert_eq!(count(&store.directory().join("attachments/kept")), 1);
    assert_eq!(count(&store.directory().join("attachments/spool")), 0);
}

pub(crate) async fn a_file_that_was_acknowledged_outlives_a_kill(store: &Store) {
    let mut session = None;
    for round in 0..5 {
        let node = store.node().await;
        let client = Client::new(&node.url);
        let session = match &session {
            Some(session) => String::clone(session),
            None => session.insert(client.new_session().await).clone(),
        };
        let writers: Vec<_> = (0..4).map(|_| tokio::spawn(until_killed(node.url.clone(), session.clone()))).collect();
        tokio::time::sleep(Duration::from_millis(200 + 100 * round)).await;
        node.kill();
        let node = store.node().await;
        let client = Client::new(&node.url);
        for writer in writers {
            for (attachment, text) in writer.await.unwrap() {
                assert_eq!(client.get(&path(&attachment)).await.expect(200), json!(text));
            }
        }
        node.kill();
    }
}

/// Uploads until nobody answers any more; what was acknowledged, and what it said.
async fn until_killed(node: String, session: String) -> Vec<(Value, String)> {
    let mut acknowledged = Vec::new();
    loop {
        let text = format!("{} {}", acknowledged.len(), "x".repeat(100_000));
        match upload(&node, &session, form("a.txt", text.as_bytes())).await {
            Ok((StatusCode::CREATED, attachment)) => acknowledged.push((attachment, text)),
            Ok((status, body)) => panic!("{status}: {body}"),
            Err(_) => return acknowledged,
        }
    }
}
