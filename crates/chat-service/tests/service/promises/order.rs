//! Messages stand in one order without gaps, whoever writes and reads, through whichever node.

use std::collections::HashMap;

use serde_json::Value;

use crate::client::{Client, message};
use crate::store::Store;

const WRITERS: usize = 32;
const EACH: usize = 20;

pub(crate) async fn thirty_two_writers_leave_no_gap_and_a_reader_skips_none(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    let session = first.new_session().await;
    let reader = tokio::spawn(read_along(second.clone(), session.clone()));
    let writers = (0..WRITERS).map(|writer| {
        let client = if writer % 2 == 0 { first.clone() } else { second.clone() };
        tokio::spawn(write(client, session.clone(), writer))
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let read = reader.await.unwrap();
    assert_eq!(read, first.all_messages(&session, "").await);
    assert_eq!(read.len(), WRITERS * EACH);
    assert!(read.iter().enumerate().all(|(index, message)| message["seq"] == index + 1));
    let shown = first.get(&format!("/sessions/{session}?message_limit=0")).await.expect(200);
    assert_eq!((&shown["rev"], &shown["message_count"]), (&(WRITERS * EACH + 1).into(), &(WRITERS * EACH).into()));
    assert_each_in_its_own_order(&read);
}

/// A client that waits for each answer before it sends the next message.
async fn write(client: Client, session: String, writer: usize) {
    for n in 0..EACH {
        let body = message(&format!("w-{writer}"), &n.to_string());
        client.store(&format!("/sessions/{session}/messages"), &[], &body).await.unwrap();
    }
}

/// Follows the session by `after` while it grows: the list so read must have no hole.
async fn read_along(client: Client, session: String) -> Vec<Value> {
    let mut read: Vec<Value> = Vec::new();
    while read.len() < WRITERS * EACH {
        let after = read.len();
        let page = client.get(&format!("/sessions/{session}/messages?after={after}&limit=7")).await.expect(200);
        for message in page.as_array().unwrap() {
            assert_eq!(message["seq"], read.len() + 1, "the reader skipped one");
            read.push(message.clone());
        }
    }
    read
}

fn assert_each_in_its_own_order(messages: &[Value]) {
    let mut next: HashMap<&str, usize> = HashMap::new();
    for message in messages {
        let next = next.entry(message["sender_id"].as_str().unwrap()).or_default();
        assert_eq!(message["content"], next.to_string());
        *next += 1;
    }
}
