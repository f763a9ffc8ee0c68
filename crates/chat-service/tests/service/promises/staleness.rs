//! A reader on any node sees every write that was acknowledged on any node, with Redis or cut off from it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, message};
use crate::store::Store;

const TURNS: usize = 1_000;
/// Each turn reads every path twice, so that the second read may be answered from a cache.
const READS: usize = 2;

pub(crate) async fn what_one_node_wrote_the_other_reads_at_once(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    take_turns(&first, &second, TURNS).await;
    assert!(second.figure("chat_page_reads_total{result=\"hit\"}").await >= 1.0, "no read was answered from a cache");
    if let Some(cut_off) = store.node_without_redis().await {
        let cut_off = Client::new(&cut_off.url);
        take_turns(&cut_off, &first, TURNS / 2).await;
        take_turns(&first, &cut_off, TURNS / 2).await;
    }
}

/// One node writes, the other must see exactly that.
async fn take_turns(writer: &Client, reader: &Client, turns: usize) {
    let session = writer.new_session().await;
    let paths =
        [format!("/sessions/{session}/messages?order=desc&limit=1"), format!("/sessions/{session}?message_limit=1")];
    let mut rev = 1;
    for turn in 0..turns {
        let written = write(writer, &session, turn).await;
        rev += 1;
        for path in paths.iter().flat_map(|path| [path; READS]) {
            let read = reader.get(path).await;
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
    let is_message = written.get("content").is_some();
    match read.as_array() {
        Some(list) if is_message => assert_eq!(list[..], *std::slice::from_ref(written)),
        // A list does not show what changed in the session itself; its tag has told.
        Some(_) => {}
        None => {
            assert_eq!(read["rev"], rev);
            let (shown, expected) = if is_message {
                (&read["messages"], json!([written]))
            } else {
                (&read["metadata"], written["metadata"].clone())
            };
            assert_eq!(*shown, expected);
        }
    }
}
