//! A page is never staler than the store, whatever the caches of the nodes do.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::access::View;
use chat_domain::cache::Cache;
use chat_domain::message::{PageQuery, Window};
use chat_domain::query::Order;
use chat_domain::testing::builder::a_message;
use chat_domain::testing::fake::{FakeCache, FakeStore};
use chat_domain::testing::rig::Store;
use chat_infra::decorator::{CachedMessages, CachedMessagesConfig, SharedRevs, SharedRevsConfig};

use crate::decorator_deeds::Writer;
use crate::decorator_doubles::{stored, stored_session, within};
use crate::decorator_own_messages::tell;

/// A node over the store, with a cache of its own in front of what it has in common with others.
pub(crate) fn node(store: &Store, common: Arc<dyn Cache>) -> Store {
    let revisions = Arc::new(SharedRevs::spawn(store.revisions.clone(), &SharedRevsConfig::default()));
    let config = CachedMessagesConfig::default();
    let pages = Arc::new(CachedMessages::new(store.pages.clone(), revisions.clone(), Some(common), &config));
    Store { pages, revisions, ..store.clone() }
}

/// Writes through one node after the other; after each write all nodes, asked twice, say what the store says.
pub(crate) async fn take_turns(store: &Store, nodes: &[Store], turns: usize) {
    let session = stored_session(&*store.sessions).await;
    let mut writer = Writer::of(session.clone());
    for turn in 0..turns {
        // So many in a row that a node goes on from what it wrote itself, too.
        writer.act(&nodes[turn / 3 % nodes.len()], turn).await;
        for query in queries() {
            let truth = store.pages.page(&session.tenant_id, session.id, &query).await.unwrap();
            for node in [nodes, nodes].concat() {
                let shown = within(node.pages.page(&session.tenant_id, session.id, &query)).await.unwrap();
                assert_eq!(shown, truth, "turn {turn}");
            }
        }
    }
}

/// The newest and the first messages, tombstones among them or not, as both views see them.
fn queries() -> [PageQuery; 4] {
    let [public, full] = [View::Public, View::Full].map(|view| PageQuery::newest(view, 5));
    let window = Window::Between { after: None, before: None };
    let first = PageQuery { window, order: Order::Desc, include_deleted: true, ..full };
    [public, full, first, PageQuery { window, limit: 3, ..public }]
}

/// Writers and readers at once: no page is older than what was written before it was asked for.
pub(crate) async fn all_at_once(store: &Store, nodes: &[Store], writes: usize) {
    let session = Arc::new(stored_session(&*store.sessions).await);
    let known = Arc::new(AtomicI64::new(1));
    let writers: Vec<_> = nodes
        .iter()
        .map(|node| {
            let (node, session, known) = (node.clone(), session.clone(), known.clone());
            tokio::spawn(async move {
                for _ in 0..writes {
                    let outcomes = node.messages.append(vec![a_message(&session)]).await.unwrap();
                    tell(&*node.pages, &session, &outcomes[0]);
                    known.fetch_max(stored(&outcomes[0]).rev.get(), Ordering::SeqCst);
                }
            })
        })
        .collect();
    let last = i64::try_from(writes * nodes.len() + 1).unwrap();
    let readers: Vec<_> = [nodes, nodes]
        .concat()
        .into_iter()
        .map(|node| {
            let (session, known) = (session.clone(), known.clone());
            tokio::spawn(async move {
                let mut shown = 0;
                while shown < last {
                    let before = known.load(Ordering::SeqCst);
                    let query = PageQuery::newest(View::Full, 10);
                    let page = node.pages.page(&session.tenant_id, session.id, &query).await.unwrap().unwrap();
                    assert!(page.session.rev.get() >= before.max(shown), "a page went back in time");
                    assert_eq!(page.messages.last().map_or(1, |message| message.rev.get()), page.session.rev.get());
                    shown = page.session.rev.get();
                    // A page that is at hand is there without waiting: readers would keep all threads from the writers.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in writers.into_iter().chain(readers) {
        within(task).await.unwrap();
    }
}

/// A cache that nothing comes back from, at once or after a while.
struct CutOff(Duration);

#[async_trait]
impl Cache for CutOff {
    async fn get(&self, _: &str) -> Option<Arc<[u8]>> {
        tokio::time::sleep(self.0).await;
        None
    }

    async fn put(&self, _: &str, _: Arc<[u8]>) {
        tokio::time::sleep(self.0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_share_a_cache_show_each_others_writes() {
    let (store, common) = (FakeStore::new().store(), Arc::new(FakeCache::new()));
    let nodes = [node(&store, common.clone()), node(&store, common)];
    take_turns(&store, &nodes, 1_000).await;
    all_at_once(&store, &nodes, 500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_is_cut_off_from_the_cache_misleads_nobody() {
    let store = FakeStore::new().store();
    let nodes = [node(&store, Arc::new(FakeCache::new())), node(&store, Arc::new(CutOff(Duration::ZERO)))];
    take_turns(&store, &nodes, 1_000).await;
    all_at_once(&store, &nodes, 500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_whose_cache_hangs_misleads_nobody() {
    let store = FakeStore::new().store();
    let nodes = [node(&store, Arc::new(FakeCache::new())), node(&store, Arc::new(CutOff(Duration::from_millis(5))))];
    take_turns(&store, &nodes, 50).await;
    all_at_once(&store, &nodes, 50).await;
}
