//! What was acknowledged outlives the process.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::client::{Client, message};
use crate::store::Store;

const KILLS: usize = 10;
const WRITERS: usize = 8;

pub(crate) async fn nothing_acknowledged_is_lost_by_a_kill(store: &Store) {
    let acknowledged: Arc<Mutex<Vec<Value>>> = Arc::default();
    let mut session = None;
    for round in 0..KILLS {
        let node = store.node().await;
        let client = Client::new(&node.url);
        let session = match &session {
            Some(session) => String::clone(session),
            None => session.insert(client.new_session().await).clone(),
        };
        let writers = (0..WRITERS).map(|writer| {
            let name = format!("{round}-{writer}");
            tokio::spawn(write_until_killed(client.clone(), session.clone(), name, Arc::clone(&acknowledged)))
        });
        let writers: Vec<_> = writers.collect();
        // Some rounds die young, some old.
        tokio::time::sleep(Duration::from_millis(30 + 40 * round as u64)).await;
        node.kill();
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let node = store.node().await;
    let stored = Client::new(&node.url).all_messages(&session.unwrap()).await;
    assert_all_there(&stored, &acknowledged.lock().unwrap());
}

async fn write_until_killed(client: Client, session: String, name: String, acknowledged: Arc<Mutex<Vec<Value>>>) {
    for n in 0.. {
        let body = message(&name, &n.to_string());
        let path = format!("/sessions/{session}/messages");
        match client.send(reqwest::Method::POST, &path, &[], Some(&body)).await {
            Ok(answer) => acknowledged.lock().unwrap().push(answer.expect(201)),
            Err(_) => return,
        }
    }
}

/// Each acknowledged message once and unchanged; beside them only such whose answer was under way.
fn assert_all_there(stored: &[Value], acknowledged: &[Value]) {
    assert!(!acknowledged.is_empty());
    assert!(stored.iter().enumerate().all(|(index, message)| message["seq"] == index + 1));
    let said: HashSet<_> = stored.iter().map(|m| (m["sender_id"].as_str(), m["content"].as_str())).collect();
    assert_eq!(said.len(), stored.len(), "a message is there twice");
    for message in acknowledged {
        let seq = usize::try_from(message["seq"].as_u64().unwrap()).unwrap();
        assert_eq!(stored.get(seq - 1), Some(message), "an acknowledged message is missing or changed");
    }
    assert!(stored.len() - acknowledged.len() <= KILLS * WRITERS);
}
