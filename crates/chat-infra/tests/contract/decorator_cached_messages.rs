//! What cached pages promise beyond the port: one read for all who miss, and nothing that the store would not say.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chat_domain::access::View;
use chat_domain::cache::Cache;
use chat_domain::error::RepositoryError;
use chat_domain::message::{MessagePage, MessagePages as _, MessageRepository as _, NewMessage, PageQuery};
use chat_domain::session::{NewSession, Session, SessionRepository as _};
use chat_domain::testing::builder::{a_message, a_session};
use chat_domain::testing::fake::{FakeCache, FakeStore};
use chat_infra::decorator::{CachedMessages, CachedMessagesConfig};
use futures_util::future::join_all;
use futures_util::poll;

use crate::decorator_doubles::{Gate, Slow, SlowPages, stored_session, within};

type Answer = Result<Option<Arc<MessagePage>>, RepositoryError>;
type Read = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A store, a session with a message, and a node whose reads of the store wait at a gate.
struct Stage {
    store: FakeStore,
    session: Session,
    inner: Arc<SlowPages>,
    cache: FakeCache,
    node: Arc<CachedMessages>,
}

impl Stage {
    async fn set(gate: Gate, slow: Slow) -> Self {
        Self::configured(gate, slow, CachedMessagesConfig::default()).await
    }

    async fn configured(gate: Gate, slow: Slow, config: CachedMessagesConfig) -> Self {
        let store = FakeStore::new();
        let session = stored_session(&store).await;
        let inner = SlowPages::new(store.clone(), gate, slow);
        let cache = FakeCache::new();
        let revs = Arc::new(store.clone());
        let node = Arc::new(CachedMessages::new(inner.clone(), revs, Some(Arc::new(cache.clone())), &config));
        let stage = Self { store, session, inner, cache, node };
        stage.write().await;
        stage
    }

    /// A write through another node.
    async fn write(&self) {
        self.store.append(vec![a_message(&self.session)]).await.unwrap();
    }

    fn read(&self) -> Read {
        let (node, session) = (self.node.clone(), self.session.clone());
        Box::pin(async move { node.page(&session.tenant_id, session.id, &query()).await })
    }

    /// What the store says now.
    async fn truth(&self) -> Arc<MessagePage> {
        self.store.page(&self.session.tenant_id, self.session.id, &query()).await.unwrap().unwrap()
    }

    /// Waits until a page that was read lies in the cache, by reading until one needs no read of the store.
    async fn settle(&self) {
        let hit = async {
            loop {
                let before = self.inner.reads();
                within(self.read()).await.unwrap();
                if self.inner.reads() == before {
                    break;
                }
            }
        };
        within(hit).await;
    }
}

const fn query() -> PageQuery {
    PageQuery::newest(View::Full, 100)
}

fn page(answer: Answer) -> Arc<MessagePage> {
    answer.unwrap().unwrap()
}

#[tokio::test]
async fn a_page_that_did_not_change_is_read_once() {
    let stage = Stage::set(Gate::open(), Slow::Read).await;
    let truth = stage.truth().await;
    for _ in 0..10 {
        assert_eq!(page(within(stage.read()).await), truth);
        stage.settle().await;
    }
    assert_eq!(stage.inner.reads(), 1);
}

#[tokio::test]
async fn fifty_who_miss_at_once_are_one_read() {
    let stage = Stage::set(Gate::closed(), Slow::Read).await;
    let mut reads: Vec<_> = (0..50).map(|_| stage.read()).collect();
    for read in &mut reads {
        assert!(poll!(read).is_pending());
    }
    stage.inner.gate.open_for_good();
    let truth = stage.truth().await;
    for answer in within(join_all(reads)).await {
        assert_eq!(page(answer), truth);
    }
    assert_eq!(stage.inner.reads(), 1);
}

#[tokio::test]
async fn those_who_joined_get_their_answer_when_the_first_hangs_up() {
    let stage = Stage::set(Gate::closed(), Slow::Read).await;
    let (mut first, mut second) = (stage.read(), stage.read());
    assert!(poll!(&mut first).is_pending());
    stage.inner.gate.arrived(1).await;
    assert!(poll!(&mut second).is_pending());
    drop(first);
    stage.inner.gate.open_for_good();
    assert_eq!(page(within(second).await), stage.truth().await);
    assert_eq!(stage.inner.reads(), 1);
}

#[tokio::test]
async fn a_read_that_everyone_gave_up_still_fills_the_cache() {
    let stage = Stage::set(Gate::closed(), Slow::Read).await;
    let mut only = stage.read();
    assert!(poll!(&mut only).is_pending());
    stage.inner.gate.arrived(1).await;
    drop(only);
    stage.inner.gate.open_for_good();
    assert_eq!(page(within(stage.read()).await), stage.truth().await);
    assert_eq!(stage.inner.reads(), 1);
}

#[tokio::test]
async fn a_fill_that_is_overtaken_by_a_write_is_never_shown_afterwards() {
    for slow in [Slow::Answer, Slow::Read] {
        let stage = Stage::set(Gate::closed(), slow).await;
        let mut overtaken = stage.read();
        assert!(poll!(&mut overtaken).is_pending());
        stage.inner.gate.arrived(1).await;
        stage.write().await;
        // Comes after the write, while the old fill is under way: joining that would be too late.
        let mut fresh = stage.read();
        assert!(poll!(&mut fresh).is_pending());
        stage.inner.gate.arrived(2).await;
        stage.inner.gate.open_for_good();
        let truth = stage.truth().await;
        assert_eq!(page(within(fresh).await), truth);
        assert!(within(overtaken).await.is_ok());
        for _ in 0..10 {
            assert_eq!(page(within(stage.read()).await), truth);
            stage.settle().await;
        }
    }
}

#[tokio::test]
async fn a_read_that_fails_tells_all_who_joined_and_is_not_kept() {
    let stage = Stage::set(Gate::closed(), Slow::Read).await;
    stage.inner.fail(1);
    let mut reads: Vec<_> = (0..5).map(|_| stage.read()).collect();
    for read in &mut reads {
        assert!(poll!(read).is_pending());
    }
    stage.inner.gate.open_for_good();
    for answer in within(join_all(reads)).await {
        assert!(matches!(answer, Err(RepositoryError::Unavailable(_))), "{answer:?}");
    }
    assert_eq!(page(within(stage.read()).await), stage.truth().await);
}

#[tokio::test]
async fn a_store_that_never_answers_is_unavailable() {
    let config = CachedMessagesConfig { deadline: Duration::from_millis(50), ..CachedMessagesConfig::default() };
    let stage = Stage::configured(Gate::closed(), Slow::Read, config).await;
    let answer = within(stage.read()).await;
    assert!(matches!(answer, Err(RepositoryError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_page_above_the_limit_is_read_each_time() {
    let config = CachedMessagesConfig { near_bytes: 10, max_far_page_bytes: 10, ..CachedMessagesConfig::default() };
    let stage = Stage::configured(Gate::open(), Slow::Read, config).await;
    let truth = stage.truth().await;
    assert_eq!(page(within(stage.read()).await), truth);
    // A write in between, so that the second read joins no flight of the first.
    stage.write().await;
    assert_eq!(page(within(stage.read()).await), stage.truth().await);
    assert_eq!(stage.inner.reads(), 2);
}

/// Waits until the page lies in the common cache: it is put there after it was answered.
async fn put_there(cache: &FakeCache, page: &MessagePage) {
    let Session { id, tenant_id, rev, updated_at, .. } = &page.session;
    let changed = updated_at.as_micros();
    let key = format!("page:1:{id}:{rev}@{changed}:f-a:100:..9223372036854775807:{tenant_id}");
    while cache.get(&key).await.is_none() {
        tokio::task::yield_now().await;
    }
}

/// A cache that gives one value under whatever key.
struct OneValue(Arc<[u8]>);

#[async_trait::async_trait]
impl Cache for OneValue {
    async fn get(&self, _: &str) -> Option<Arc<[u8]>> {
        Some(self.0.clone())
    }

    async fn put(&self, _: &str, _: Arc<[u8]>) {}
}

#[tokio::test]
async fn a_value_that_is_not_the_page_asked_for_is_not_believed() {
    let stage = Stage::set(Gate::open(), Slow::Read).await;
    let truth = stage.truth().await;
    let mut foreign = (*truth).clone();
    foreign.session.tenant_id = "another".parse().unwrap();
    let mut old = (*truth).clone();
    old.session.rev = chat_domain::revision::Rev::FIRST;
    let mut lost = (*truth).clone();
    lost.session.updated_at = truth.session.updated_at.plus_seconds(1);
    let other = stored_session(&stage.store).await;
    let other = stage.store.page(&other.tenant_id, other.id, &query()).await.unwrap();
    let json = |page: &MessagePage| serde_json::to_vec(page).unwrap();
    for value in
        [Vec::new(), b"{}".to_vec(), b"\xff".to_vec(), json(&foreign), json(&old), json(&lost), json(&other.unwrap())]
    {
        let cache = Arc::new(OneValue(value.into()));
        let revs = Arc::new(stage.store.clone());
        let node = CachedMessages::new(stage.inner.clone(), revs, Some(cache), &CachedMessagesConfig::default());
        let answer = within(node.page(&stage.session.tenant_id, stage.session.id, &query())).await;
        assert_eq!(page(answer), truth);
    }
}

#[tokio::test]
async fn a_session_of_another_tenant_is_not_there() {
    let stage = Stage::set(Gate::open(), Slow::Read).await;
    stage.settle().await;
    let other = "another".parse().unwrap();
    assert_eq!(within(stage.node.page(&other, stage.session.id, &query())).await.unwrap(), None);
    // The page lies under the key of its own tenant.
    within(put_there(&stage.cache, &*stage.truth().await)).await;
}

#[tokio::test]
async fn who_hits_shares_the_page_and_copies_nothing() {
    let stage = Stage::set(Gate::open(), Slow::Read).await;
    let (first, second) = (page(within(stage.read()).await), page(within(stage.read()).await));
    assert!(Arc::ptr_eq(&first, &second));
}

#[tokio::test]
async fn what_one_node_has_read_the_other_finds_in_the_common_cache() {
    let stage = Stage::set(Gate::open(), Slow::Read).await;
    let truth = page(within(stage.read()).await);
    within(put_there(&stage.cache, &truth)).await;
    let (revs, cache) = (Arc::new(stage.store.clone()), Arc::new(stage.cache.clone()));
    let other = CachedMessages::new(stage.inner.clone(), revs, Some(cache), &CachedMessagesConfig::default());
    for _ in 0..2 {
        let shown = within(other.page(&stage.session.tenant_id, stage.session.id, &query())).await;
        assert_eq!(page(shown), truth);
    }
    assert_eq!(stage.inner.reads(), 1);
}

/// A store with this session, and in it one message.
async fn history(session: &NewSession, said: &str) -> FakeStore {
    let store = FakeStore::new();
    store.create(session.clone()).await.unwrap();
    let message = NewMessage { content: said.to_owned(), ..a_message(&session.to_session()) };
    store.append(vec![message]).await.unwrap();
    store
}

#[tokio::test]
async fn a_rev_that_a_store_gives_again_after_a_loss_is_another_page() {
    let session = a_session();
    let (lost, kept) = (history(&session, "lost").await, history(&session, "kept").await);
    let cache = Arc::new(FakeCache::new());
    for (store, said) in [(&lost, "lost"), (&kept, "kept"), (&lost, "lost")] {
        let revs = Arc::new(store.clone());
        let node = CachedMessages::new(revs.clone(), revs, Some(cache.clone()), &CachedMessagesConfig::default());
        let page = page(within(node.page(&session.tenant_id, session.id, &query())).await);
        assert_eq!((page.session.rev.get(), page.messages[0].content.as_str()), (2, said));
        within(put_there(&cache, &page)).await;
    }
}
