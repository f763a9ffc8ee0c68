//! Edits, deletions and restorations through two nodes at once: no text is lost, none that was deleted comes back, and the
//! other node shows each change at once.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client, message};
use crate::store::Store;

const TURNS: usize = 300;
const EDITORS: usize = 24;

/// The path of a new message, and that of its session.
async fn said(client: &Client, content: &str) -> (String, String) {
    let session = format!("/sessions/{}", client.new_session().await);
    let said = client.post(&format!("{session}/messages"), &message("u-1", content)).await.expect(201);
    (format!("/messages/{}", said["id"].as_str().unwrap()), session)
}

async fn edit(client: &Client, at: &str, content: &str) -> Answer {
    client.send_until_done(Method::PATCH, at, &[], Some(&json!({"content": content}))).await.unwrap()
}

async fn remove(client: &Client, at: &str) -> Answer {
    client.send_until_done(Method::DELETE, at, &[], None).await.unwrap()
}

async fn restore(client: &Client, at: &str) -> Answer {
    client.send_until_done(Method::POST, &format!("{at}/restore"), &[], None).await.unwrap()
}

async fn texts(client: &Client, at: &str) -> Vec<String> {
    let history = client.get(&format!("{at}/history")).await.expect(200);
    history.as_array().unwrap().iter().map(|version| version["content"].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn edits_on_two_nodes_at_once_lose_no_version(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    let clients = [&first, &second];
    let (at, session) = said(&first, "hello").await;

    let contents: Vec<_> = (0..EDITORS).map(|n| format!("text {n}")).collect();
    let edits = contents.iter().enumerate().map(|(n, content)| edit(clients[n % 2], &at, content));
    let mut edited: Vec<Value> = join_all(edits).await.into_iter().map(|answer| answer.expect(200)).collect();
    edited.sort_by_key(|message| message["rev"].as_i64());
    let revs: Vec<_> = edited.iter().map(|message| message["rev"].as_u64().unwrap()).collect();
    assert_eq!(revs, (3..3 + EDITORS as u64).collect::<Vec<_>>());
    let mut expected = vec!["hello".to_owned()];
    expected.extend(edited.iter().map(|message| message["content"].as_str().unwrap().to_owned()));
    for client in clients {
        assert_eq!(texts(client, &at).await, expected);
        assert_eq!(client.get(&at).await.expect(200), *edited.last().unwrap());
    }
    let shown = second.get(&session).await.expect(200);
    assert_eq!((&shown["rev"], &shown["messages"]), (&edited[EDITORS - 1]["rev"], &json!([edited[EDITORS - 1]])));

    // Once deleted, nothing that it ever said is told by anybody; a restoration brings all of it back.
    remove(&first, &at).await.expect(200);
    assert!(texts(&second, &at).await.is_empty());
    for path in
        [at.clone(), format!("{session}/messages?include_deleted=true"), session.clone(), format!("{at}/history")]
    {
        let told = second.get(&path).await.expect(200).to_string();
        assert!(!told.contains("text ") && !told.contains("hello"), "{told}");
    }
    let restored = restore(&second, &at).await.expect(200);
    assert_eq!(restored["content"], edited[EDITORS - 1]["content"]);
    assert_eq!(texts(&first, &at).await, expected);
    assert_eq!(first.get(&session).await.expect(200)["message_count"], 1);
}

/// One node changes a message, the other must show exactly that, in the message, in a list and with its session; and a repeat
/// of the request that wrote it shows it, too.
pub(crate) async fn what_one_node_edits_the_other_shows_at_once(store: &Store) {
    let nodes = store.two_nodes().await;
    let (writer, reader) = nodes.clients();
    let session = format!("/sessions/{}", writer.new_session().await);
    let list = format!("{session}/messages");
    let key = [("Idempotency-Key", "k")];
    let said =
        writer.send_until_done(Method::POST, &list, &key, Some(&message("u-1", "hello"))).await.unwrap().expect(201);
    let other = writer.post(&list, &message("u-1", "another")).await.expect(201);
    let at = format!("/messages/{}", said["id"].as_str().unwrap());
    for turn in 0..TURNS {
        let written = match turn % 4 {
            2 => remove(&writer, &at).await,
            3 => restore(&writer, &at).await,
            _ => edit(&writer, &at, &format!("text {turn}")).await,
        };
        let written = written.expect(200);
        let deleted = written["is_deleted"] == true;
        let shown = if deleted { json!([other]) } else { json!([written, other]) };
        // Twice, so that the second read may be answered from a cache.
        for _ in 0..2 {
            assert_eq!(reader.get(&at).await.expect(200), written, "turn {turn}");
            assert_eq!(reader.get(&list).await.expect(200), shown, "turn {turn}");
            let all = reader.get(&format!("{list}?include_deleted=true")).await.expect(200);
            assert_eq!(all, json!([written, other]), "turn {turn}");
            let read = reader.get(&session).await.expect(200);
            assert_eq!((&read["rev"], &read["messages"]), (&written["rev"], &shown), "turn {turn}");
            assert_eq!(read["message_count"], if deleted { 1 } else { 2 }, "turn {turn}");
        }
        if turn % 10 == 0 {
            let again =
                reader.send_until_done(Method::POST, &list, &key, Some(&message("u-1", "hello"))).await.unwrap();
            assert_eq!(again.header("idempotent-replayed"), "true");
            assert_eq!(again.expect(201), written, "turn {turn}");
        }
    }
    assert_eq!(texts(&reader, &at).await.len(), 100.min(1 + TURNS / 2));
}

/// A restoration is made once for each key, through whichever node it is asked for, and a repeat of it restores nothing that
/// was deleted again.
pub(crate) async fn equal_restorations_restore_once(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    let clients = [&first, &second];
    let (at, session) = said(&first, "hello").await;
    remove(&first, &at).await.expect(200);
    let path = format!("{at}/restore");
    let key = [("Idempotency-Key", "k")];
    let repeats = (0..20).map(|n| clients[n % 2].send_until_done(Method::POST, &path, &key, None));
    let answers: Vec<_> = join_all(repeats).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    let made = answers.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).count();
    assert_eq!((made, answers[0].body["rev"].as_u64()), (1, Some(4)));
    let tombstone = remove(&second, &at).await.expect(200);
    let again = first.send_until_done(Method::POST, &path, &key, None).await.unwrap();
    assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &tombstone));
    assert_eq!(first.get(&session).await.expect(200)["message_count"], 0);
}
