//! What was acknowledged outlives the process.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::client::{Client, message};
use crate::store::Store;

const KILLS: usize = 10;
const WRITERS: usize = 8;
/// A round is killed no earlier than after so many acknowledged messages.
const AT_LEAST: usize = 20;

/// What clients know.
#[derive(Default)]
struct Known {
    /// Each message by its key, as it was last acknowledged.
    acknowledged: HashMap<String, Value>,
    /// Keys of posts whose answer never came, with what they said.
    unknown: Vec<(String, Value)>,
    /// Messages whose deletion was asked for without an answer.
    perhaps_deleted: HashSet<String>,
}

type Shared = Arc<Mutex<Known>>;

pub(crate) async fn nothing_acknowledged_is_lost_by_a_kill(store: &Store) {
    let known = Shared::default();
    let mut session = None;
    for round in 0..KILLS {
        let node = store.node().await;
        let client = Client::new(&node.url);
        let session = match &session {
            Some(session) => String::clone(session),
            None => session.insert(client.new_session().await).clone(),
        };
        settle(&client, &session, &known).await;
        let before = known.lock().unwrap().acknowledged.len();
        let writers = (0..WRITERS).map(|writer| {
            let name = format!("{round}-{writer}");
            tokio::spawn(write_until_killed(client.clone(), session.clone(), name, Arc::clone(&known)))
        });
        let writers: Vec<_> = writers.collect();
        while known.lock().unwrap().acknowledged.len() < before + AT_LEAST {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Some rounds die young, some old.
        tokio::time::sleep(Duration::from_millis(20 * round as u64)).await;
        node.kill();
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let node = store.node().await;
    let client = Client::new(&node.url);
    let session = session.unwrap();
    settle(&client, &session, &known).await;
    let stored = client.all_messages(&session, "&include_deleted=true").await;
    assert_all_there(&stored, &known.lock().unwrap());
}

/// Repeats what has no answer yet, under its key: it was stored once or is stored now.
async fn settle(client: &Client, session: &str, known: &Shared) {
    let unknown = std::mem::take(&mut known.lock().unwrap().unknown);
    for (key, body) in unknown {
        let settled = post(client, session, &key, &body).await.unwrap();
        known.lock().unwrap().acknowledged.insert(key, settled);
    }
}

async fn post(client: &Client, session: &str, key: &str, body: &Value) -> Result<Value, reqwest::Error> {
    let path = format!("/sessions/{session}/messages");
    client.store(&path, &[("Idempotency-Key", key)], body).await
}

/// Writes, and deletes every fifth of what it wrote.
async fn write_until_killed(client: Client, session: String, name: String, known: Shared) {
    for n in 0.. {
        let (key, body) = (format!("{name}-{n}"), message(&name, &n.to_string()));
        let Ok(stored) = post(&client, &session, &key, &body).await else {
            known.lock().unwrap().unknown.push((key, body));
            return;
        };
        let id = stored["id"].as_str().unwrap().to_owned();
        known.lock().unwrap().acknowledged.insert(key.clone(), stored);
        if n % 5 == 4 {
            let path = format!("/messages/{id}");
            let Ok(answer) = client.send(Method::DELETE, &path, &[], None).await else {
                known.lock().unwrap().perhaps_deleted.insert(id);
                return;
            };
            known.lock().unwrap().acknowledged.insert(key, answer.expect(200));
        }
    }
}

/// Each acknowledged message once and as it was acknowledged, and nothing beside them.
fn assert_all_there(stored: &[Value], known: &Known) {
    assert!(stored.iter().enumerate().all(|(index, message)| message["seq"] == index + 1), "a gap");
    assert_eq!(stored.len(), known.acknowledged.len(), "a message is missing or there twice");
    let stored: HashMap<_, _> = stored.iter().map(|message| (message["id"].as_str().unwrap(), message)).collect();
    for message in known.acknowledged.values() {
        let id = message["id"].as_str().unwrap();
        let found = stored[id];
        if known.perhaps_deleted.contains(id) && found["is_deleted"] == true {
            continue;
        }
        assert_eq!(found, message, "an acknowledged message is changed");
    }
}
