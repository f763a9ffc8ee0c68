//! A node that is told to stop finishes what it has begun.

use std::time::Duration;

use serde_json::Value;

use crate::client::{Client, message};
use crate::store::Store;

pub(crate) async fn a_terminated_node_answers_what_is_in_flight(store: &Store) {
    let node = store.node().await;
    let client = Client::new(&node.url);
    let session = client.new_session().await;
    let writers: Vec<_> =
        (0..8).map(|n| tokio::spawn(write_until_refused(client.clone(), session.clone(), n))).collect();
    let busy = async { while client.all_messages(&session, "").await.len() < 50 {} };
    tokio::time::timeout(Duration::from_mins(1), busy).await.expect("messages are stored");
    node.terminate();
    let status = node.exit().await;
    assert!(status.success(), "{status}");
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let node = store.node().await;
    let stored = Client::new(&node.url).all_messages(&session, "").await;
    acknowledged.sort_by_key(|message| message["seq"].as_i64());
    assert!(!acknowledged.is_empty());
    assert_eq!(stored, acknowledged, "a request that had begun was neither answered nor left undone");
}

/// Writes over kept-alive connections until the node is gone. A refused connection wrote nothing.
async fn write_until_refused(client: Client, session: String, writer: usize) -> Vec<Value> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let body = message(&format!("w-{writer}"), &n.to_string());
        let path = format!("/sessions/{session}/messages");
        match client.send(reqwest::Method::POST, &path, &[], Some(&body)).await {
            Ok(answer) if answer.status == 201 => acknowledged.push(answer.body),
            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.body),
            Err(_) => break,
        }
    }
    acknowledged
}
