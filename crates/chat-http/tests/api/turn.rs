//! Lists that may be very long: they are read in turns, and ordinary ones wait for none of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::message::{MessagePage, MessagePages, PageQuery};
use chat_domain::query::DEFAULT_LIMIT;
use chat_domain::testing::fake::FakeStore;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use crate::server::{Answer, Parts, start_with};

/// Whatever takes so long does not come.
const PATIENCE: Duration = Duration::from_mins(1);
/// Clients that ask for such lists.
const CLIENTS: usize = 8;

/// Reads of such lists.
#[derive(Clone, Copy, Default)]
struct Reads {
    now: usize,
    most_at_once: usize,
    in_all: usize,
}

/// Pages that count such reads, and let each wait at a gate. Ordinary ones pass.
struct HeldPages {
    pages: Arc<dyn MessagePages>,
    reads: watch::Sender<Reads>,
    gate: Semaphore,
}

impl HeldPages {
    fn new(pages: Arc<dyn MessagePages>) -> Arc<Self> {
        Arc::new(Self { pages, reads: watch::Sender::default(), gate: Semaphore::new(0) })
    }

    /// Waits until so many were begun in all.
    async fn begun(&self, reads: usize) {
        let mut all = self.reads.subscribe();
        let begun = all.wait_for(|all| all.in_all >= reads);
        tokio::time::timeout(PATIENCE, begun).await.expect("they are begun").unwrap();
    }
}

#[async_trait]
impl MessagePages for HeldPages {
    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<Arc<MessagePage>>, RepositoryError> {
        if query.limit <= DEFAULT_LIMIT {
            return self.pages.page(tenant, session, query).await;
        }
        self.reads.send_modify(|reads| {
            reads.now += 1;
            reads.in_all += 1;
            reads.most_at_once = reads.most_at_once.max(reads.now);
        });
        self.gate.acquire().await.unwrap().forget();
        let page = self.pages.page(tenant, session, query).await;
        self.reads.send_modify(|reads| reads.now -= 1);
        page
    }
}

#[tokio::test]
async fn no_more_than_two_lists_of_more_than_a_hundred_are_read_at_once_and_others_wait_for_none() {
    let store = FakeStore::new().store();
    let pages = HeldPages::new(Arc::clone(&store.pages));
    let mut parts = Parts { pages: pages.clone(), ..Parts::on(store) };
    parts.settings.store_deadline = PATIENCE;
    let server = start_with(parts).await;
    let path = server.session_path().await;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let asked = if number % 2 == 0 { "/messages?limit=101" } else { "?message_limit=101" };
        let mut client = TcpStream::connect(server.address).await.unwrap();
        let request = format!("GET {path}{asked} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        clients.push(client);
    }
    pages.begun(2).await;
    // By one worker, which has met all of these before.
    for asked in ["/messages?limit=100", "/messages", "?message_limit=100", ""] {
        Answer::of(server.get(&format!("{path}{asked}"))).await.expect(StatusCode::OK);
    }
    assert_eq!(pages.reads.borrow().now, 2);
    for ended in 1..=CLIENTS {
        pages.gate.add_permits(1);
        pages.begun((2 + ended).min(CLIENTS)).await;
    }
    for mut client in clients {
        let mut answer = Vec::new();
        tokio::time::timeout(PATIENCE, client.read_to_end(&mut answer)).await.expect("it is answered").unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    let Reads { most_at_once, in_all, .. } = *pages.reads.borrow();
    assert_eq!((most_at_once, in_all), (2, CLIENTS));
}
