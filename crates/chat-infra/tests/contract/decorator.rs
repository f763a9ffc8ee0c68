//! The decorators keep the promises of the ports that they wrap, over every store.

use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::cache::Cache;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::testing::fake::{FakeCache, FakeStore};
use chat_domain::testing::rig::{CacheRig, Store, StoreRig, Task};
use chat_domain::{message_repository_contract, revision_source_contract, store_contract};
use chat_infra::decorator::{
    CachedMessages, CachedMessagesConfig, CachedUnread, GroupCommit, GroupCommitConfig, SharedChanges, SharedRevs,
    SharedRevsConfig,
};

use crate::decorator_doubles::beside;
use crate::sqlite::SqliteRig;

/// The store in memory, which needs a runtime only to be tested.
pub(crate) struct FakeRig(FakeStore);

#[async_trait]
impl StoreRig for FakeRig {
    async fn start() -> Self {
        Self(FakeStore::new())
    }

    async fn node(&self) -> Store {
        self.0.store()
    }

    fn spawn(&self, task: Task) -> Task {
        beside(task)
    }

    async fn damage_message(&self, tenant: &TenantId, id: MessageId) -> bool {
        self.0.damage_message(tenant, id);
        true
    }
}

/// What is put around the ports of each node.
#[async_trait]
pub(crate) trait Decoration: Send + Sync + 'static {
    /// With whatever nodes share beside their store.
    async fn start() -> Self;

    /// The ports of one node, decorated.
    async fn around(&self, store: Store) -> Store;
}

/// A store whose nodes are decorated in this way.
pub(crate) struct Decorated<R, D> {
    store: R,
    decoration: D,
}

#[async_trait]
impl<R: StoreRig, D: Decoration> StoreRig for Decorated<R, D> {
    async fn start() -> Self {
        Self { store: R::start().await, decoration: D::start().await }
    }

    async fn node(&self) -> Store {
        self.decoration.around(self.store.node().await).await
    }

    fn spawn(&self, task: Task) -> Task {
        self.store.spawn(task)
    }

    async fn damage_message(&self, tenant: &TenantId, id: MessageId) -> bool {
        self.store.damage_message(tenant, id).await
    }
}

/// Each node writes in group commit. Batches are kept small, so that the suites see them fill up.
pub(crate) struct Grouped;

#[async_trait]
impl Decoration for Grouped {
    async fn start() -> Self {
        Self
    }

    async fn around(&self, store: Store) -> Store {
        let config = GroupCommitConfig { shards: 3, max_batch: 16, ..GroupCommitConfig::default() };
        Store { messages: Arc::new(GroupCommit::spawn(store.messages, &config)), ..store }
    }
}

/// Each node shares its questions for revs.
pub(crate) struct Shared;

#[async_trait]
impl Decoration for Shared {
    async fn start() -> Self {
        Self
    }

    async fn around(&self, store: Store) -> Store {
        let config = SharedRevsConfig { max_batch: 16, ..SharedRevsConfig::default() };
        Store { revisions: Arc::new(SharedRevs::spawn(store.revisions, &config)), ..store }
    }
}

/// Each node shares its questions for changes alone.
struct ChangesShared;

#[async_trait]
impl Decoration for ChangesShared {
    async fn start() -> Self {
        Self
    }

    async fn around(&self, store: Store) -> Store {
        let config = SharedRevsConfig { max_batch: 16, ..SharedRevsConfig::default() };
        Store { revisions: Arc::new(SharedChanges::spawn(store.revisions, &config)), ..store }
    }
}

/// All decorators together, as the service puts them: each node with a cache of its own in front of a shared one.
pub(crate) struct Cached<C>(C);

#[async_trait]
impl<C: CacheRig> Decoration for Cached<C> {
    async fn start() -> Self {
        Self(C::start().await)
    }

    async fn around(&self, store: Store) -> Store {
        let far = Some(self.0.node().await);
        let revisions = Arc::new(SharedRevs::spawn(store.revisions, &SharedRevsConfig::default()));
        let messages = Arc::new(GroupCommit::spawn(store.messages, &GroupCommitConfig::default()));
        let config = CachedMessagesConfig::default();
        let pages = Arc::new(CachedMessages::new(store.pages, revisions.clone(), far, &config));
        let unread = Arc::new(CachedUnread::new(store.unread, config.near_ttl));
        Store { messages, pages, unread, revisions, ..store }
    }
}

/// One cache in memory, which all nodes share.
pub(crate) struct SharedMemoryRig(FakeCache);

#[async_trait]
impl CacheRig for SharedMemoryRig {
    async fn start() -> Self {
        Self(FakeCache::new())
    }

    async fn node(&self) -> Arc<dyn Cache> {
        Arc::new(self.0.clone())
    }

    fn spawn(&self, task: Task) -> Task {
        beside(task)
    }
}

message_repository_contract!(group_commit_over_fake, Decorated<FakeRig, Grouped>);
revision_source_contract!(shared_revs_over_fake, Decorated<FakeRig, Shared>);
revision_source_contract!(shared_changes_over_fake, Decorated<FakeRig, ChangesShared>);
store_contract!(cached_over_fake, Decorated<FakeRig, Cached<SharedMemoryRig>>);
message_repository_contract!(group_commit_over_sqlite, Decorated<SqliteRig, Grouped>);
store_contract!(cached_over_sqlite, Decorated<SqliteRig, Cached<SharedMemoryRig>>);
