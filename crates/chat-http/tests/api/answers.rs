//! Pages that did not change: what was printed for one request is sent for the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::message::{MessagePage, MessagePages, PageQuery};
use chat_domain::testing::fake::FakeStore;
use reqwest::{Method, StatusCode};

use crate::server::{Answer, Parts, TestServer, start_with};

type Kept = Mutex<HashMap<(SessionId, PageQuery), Arc<MessagePage>>>;

/// Gives the very page that it gave before, for as long as the store's is equal to it.
struct KeptPages(Arc<dyn MessagePages>, Kept);

#[async_trait]
impl MessagePages for KeptPages {
    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<Arc<MessagePage>>, RepositoryError> {
        let Some(now) = self.0.page(tenant, session, query).await? else { return Ok(None) };
        let mut kept = self.1.lock().unwrap();
        let page = kept.entry((session, *query)).or_insert_with(|| Arc::clone(&now));
        if *page != now {
            *page = now;
        }
        Ok(Some(Arc::clone(page)))
    }
}

/// A server whose pages are kept, and a session of `ann` with three messages.
async fn serving() -> (TestServer, String) {
    let store = FakeStore::new().store();
    let pages = Arc::new(KeptPages(Arc::clone(&store.pages), Kept::default()));
    let server = start_with(Parts { pages, ..Parts::on(store) }).await;
    let path = server.session_path().await;
    for content in ["one", "two", "three"] {
        server.say(&path, content).await;
    }
    (server, path)
}

const TOLD: [&str; 6] = ["etag", "link", "content-type", "cache-control", "vary", "content-length"];

fn told(answer: &Answer) -> [&str; TOLD.len()] {
    TOLD.map(|name| answer.header(name))
}

#[tokio::test]
async fn an_answer_that_is_sent_again_is_the_same_to_the_byte() {
    let (server, path) = serving().await;
    for path in [format!("{path}/messages?limit=2"), format!("{path}?message_limit=2")] {
        let first = Answer::of(server.get(&path)).await;
        first.expect(StatusCode::OK);
        assert!(first.header("link").contains("limit=2"), "{}", first.header("link"));
        let again = Answer::of(server.get(&path)).await;
        assert_eq!((told(&again), &again.bytes), (told(&first), &first.bytes));
        let head = Answer::of(server.request(Method::HEAD, &path)).await;
        assert_eq!((told(&head), head.bytes.len()), (told(&first), 0));
        let known = server.get(&path).header("if-none-match", first.header("etag"));
        let known = Answer::of(known).await;
        assert_eq!((known.status, known.header("link")), (StatusCode::NOT_MODIFIED, first.header("link")));
    }
}

#[tokio::test]
async fn a_write_is_shown_by_the_next_answer() {
    let (server, path) = serving().await;
    let list = format!("{path}/messages");
    for count in 3..10 {
        for _ in 0..2 {
            let shown = Answer::of(server.get(&list)).await.expect(StatusCode::OK);
            assert_eq!(shown.as_array().unwrap().len(), count);
        }
        server.say(&path, "more").await;
    }
}

#[tokio::test]
async fn links_repeat_what_each_caller_asked_for() {
    let (server, path) = serving().await;
    let gateway = path.replace("/api/v1/", "/api/v1/chat/");
    for _ in 0..2 {
        for (path, limit) in [(&path, "2"), (&gateway, "2"), (&path, "02")] {
            let answer = Answer::of(server.get(&format!("{path}/messages?limit={limit}"))).await;
            let next = format!("<{path}/messages?limit={limit}&after=2>; rel=\"next\"");
            assert_eq!(answer.header("link"), next);
        }
    }
}

#[tokio::test]
async fn whoever_sees_less_is_never_sent_what_was_printed_for_another() {
    let (server, path) = serving().await;
    let note = serde_json::json!({
        "content": "between us", "sender_type": "agent", "sender_id": "anna", "visibility": "internal",
    });
    Answer::of(server.post(&format!("{path}/messages")).json(&note)).await.expect(StatusCode::CREATED);
    for (role, count) in [("service", 4), ("user", 3), ("service", 4), ("user", 3)] {
        for path in [format!("{path}/messages"), path.clone()] {
            let asked = server.get(&path).header("x-user-id", "ann").header("x-user-role", role);
            let shown = Answer::of(asked).await.expect(StatusCode::OK);
            let messages = shown.get("messages").unwrap_or(&shown);
            assert_eq!(messages.as_array().unwrap().len(), count, "{role} {path}");
        }
    }
}

#[tokio::test]
async fn a_kept_answer_is_compressed_for_whoever_likes_that() {
    let (server, path) = serving().await;
    server.say(&path, &"long ".repeat(1_000)).await;
    let list = format!("{path}/messages");
    let plain = Answer::of(server.get(&list)).await;
    for _ in 0..2 {
        let packed = Answer::of(server.get(&list).header("accept-encoding", "gzip")).await;
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert!(packed.bytes.len() < plain.bytes.len());
        let tag = plain.header("etag").trim_end_matches('"');
        assert_eq!(packed.header("etag"), format!("{tag}-gzip\""));
        assert_eq!(Answer::of(server.get(&list)).await.bytes, plain.bytes);
    }
}
