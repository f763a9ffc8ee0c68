//! What hangs on messages, put there and taken off through two nodes at once, and seen on the other at once.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client, message};
use crate::store::Store;

const TURNS: usize = 200;
const EMOJI: [&str; 24] = [
    "😀", "😃", "😄", "😁", "😆", "😅", "🤣", "😂", "🙂", "🙃", "🫠", "😉", "😊", "😇", "🥰", "😍", "🤩", "😘", "😗",
    "😚", "😙", "🥲", "👍", "🇩🇪",
];

/// The path of a new message, and the list that shows it.
async fn said(client: &Client) -> (String, String) {
    let session = client.new_session().await;
    let list = format!("/sessions/{session}/messages");
    let said = client.post(&list, &message("u-1", "hello")).await.expect(201);
    (format!("/messages/{}", said["id"].as_str().unwrap()), list)
}

fn reaction(message: &str, emoji: &str) -> String {
    let encoded = emoji.bytes().fold(String::new(), |path, byte| path + &format!("%{byte:02X}"));
    format!("{message}/reactions/{encoded}")
}

async fn react(client: &Client, method: Method, message: &str, emoji: &str) -> Answer {
    let who = [("x-user-id", "u-1"), ("x-user-role", "user")];
    client.send_until_done(method, &reaction(message, emoji), &who, None).await.unwrap()
}

async fn add(client: &Client, message: &str, n: usize) -> Answer {
    let body = json!({"extension_type": "note", "data": {"n": n}});
    client.send_until_done(Method::POST, &format!("{message}/extensions"), &[], Some(&body)).await.unwrap()
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

pub(crate) async fn what_hangs_on_messages_comes_out_right_on_two_nodes_at_once(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    let clients = [&first, &second];

    let (at, _) = said(&first).await;
    let answers = join_all((0..24).map(|n| react(clients[n % 2], Method::PUT, &at, "👍"))).await;
    let shown = second.get(&at).await.expect(200);
    assert_eq!(
        (count(&answers, 200), shown["extensions"].as_array().unwrap().len(), &shown["rev"]),
        (24, 1, &json!(3))
    );
    let answers = join_all((0..24).map(|n| react(clients[n % 2], Method::DELETE, &at, "👍"))).await;
    let shown = second.get(&at).await.expect(200);
    assert_eq!((count(&answers, 200), &shown["extensions"], &shown["rev"]), (24, &json!([]), &json!(4)));

    let (at, _) = said(&first).await;
    let answers = join_all((0..24).map(|n| react(clients[n % 2], Method::PUT, &at, EMOJI[n]))).await;
    let shown = second.get(&at).await.expect(200);
    assert_eq!((count(&answers, 200), count(&answers, 409)), (20, 4));
    assert_eq!((shown["extensions"].as_array().unwrap().len(), &shown["rev"]), (20, &json!(22)));

    let (at, list) = said(&first).await;
    let answers = join_all((0..110).map(|n| add(clients[n % 2], &at, n))).await;
    assert_eq!((count(&answers, 201), count(&answers, 409)), (100, 10));
    let shown = first.get(&list).await.expect(200)[0].clone();
    assert_eq!((shown["extensions"].as_array().unwrap().len(), &shown["rev"]), (100, &json!(102)));

    let (at, list) = said(&first).await;
    let racing = (0..24).map(|n| {
        let (client, at) = (clients[n % 2], &at);
        async move {
            if n == 12 {
                client.send_until_done(Method::DELETE, at, &[], None).await.unwrap()
            } else {
                add(client, at, n).await
            }
        }
    });
    let answers = join_all(racing).await;
    let (added, refused) = (count(&answers, 201), count(&answers, 409));
    assert_eq!((added + refused, count(&answers, 200)), (23, 1));
    let shown = second.get(&format!("{list}?include_deleted=true")).await.expect(200)[0].clone();
    assert_eq!((&shown["extensions"], &shown["rev"]), (&json!([]), &json!(added + 3)));
}

pub(crate) async fn what_one_node_hangs_on_a_message_the_other_shows_at_once(store: &Store) {
    let nodes = store.two_nodes().await;
    let (first, second) = nodes.clients();
    let (at, list) = said(&first).await;
    for turn in 0..TURNS {
        let (writer, reader) = if turn % 2 == 0 { (&first, &second) } else { (&second, &first) };
        let (method, hangs) = if turn / 2 % 2 == 0 { (Method::PUT, true) } else { (Method::DELETE, false) };
        let emoji = EMOJI[turn % 2];
        let written = react(writer, method, &at, emoji).await.expect(200);
        let is_there =
            |shown: &Value| shown["extensions"].as_array().unwrap().iter().any(|one| one["data"]["emoji"] == emoji);
        assert_eq!(is_there(&written), hangs);
        for _ in 0..2 {
            let page = reader.get(&list).await;
            assert!(page.header("etag").starts_with(&format!("\"{}-", written["rev"])), "turn {turn}");
            assert_eq!(page.expect(200), json!([written]), "turn {turn}");
        }
    }
}
