//! A reader on any node sees every write that was acknowledged on any node, with Redis or cut off from it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, message};
use crate::store::Store;

const TURNS: usize = 1_000;

pub(crate) async fn what_one_node_wrote_the_other_reads_at_once(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    take_turns(&first, &second).await;
    if let Some(cut_off) = store.node_without_redis().await {
        let cut_off = Client::new(&cut_off.url);
        take_turns(&cut_off, &first).await;
        take_turns(&first, &cut_off).await;
    }
}

/// One node writes, the other must see exactly that; three reads, so that a cached answer gets its chance.
async fn take_turns(writer: &Client, reader: &Client) {
    let session = writer.new_session().await;
    let mut rev = 1;
    for turn in 0..TURNS {
        let written = write(writer, &session, turn).await;
        rev += 1;
        for path in
            [format!("/sessions/{session}/messages?order=desc&limit=1"), format!("/sessions/{session}?message_limit=1")]
        {
            let read = reader.get(&path).await;
            assert!(read.header("etag").starts_with(&format!("\"{rev}-")), "turn {turn}: {}", read.header("etag"));
            assert_shows(&read.expect(200), &written, rev);
        }
    }
}

/// Now a message, now a change of the session itself.
async fn write(writer: &Client, session: &str, turn: usize) -> Value {
    if turn % 5 == 4 {
        let patch = json!({"metadata": {"turn": turn}});
        let path = format!("/sessions/{session}");
        return writer.send(Method::PATCH, &path, &[], Some(&patch)).await.unwrap().expect(200);
    }
    let path = format!("/sessions/{session}/messages");
    writer.post(&path, &message("u-1", &turn.to_string())).await.expect(201)
}

fn assert_shows(read: &Value, written: &Value, rev: usize) {
    if let Some(list) = read.as_array() {
        if written.get("content").is_some() {
            assert_eq!(list[..], *std::slice::from_ref(written));
        }
    } else {
        assert_eq!(read["rev"], rev);
        if written.get("content").is_some() {
            assert_eq!(read["messages"], json!([written]));
        } else {
            assert_eq!(read["metadata"], written["metadata"]);
        }
    }
}
