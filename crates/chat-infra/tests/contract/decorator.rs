//! The decorators keep the promises of the ports that they wrap, over every store.

use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::cache::Cache;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::testing::fake::{FakeCache, FakeStore};
use chat_domain::testing::rig::{CacheRig, Store, StoreRig, Task};
use chat_domain::{message_repository_contract, revision_source_contract, store_contract};
use chat_infra::decorator::{
    CachedMessages, CachedMessagesConfig, GroupCommit, GroupCommitConfig, SharedChanges, SharedRevs, SharedRevsConfig,
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

/// Each node writes in group commit. Batches are kept small, so that the suites see them fill up.
pub(crate) struct GroupCommitRig<R>(R);

#[async_trait]
impl<R: StoreRig> StoreRig for GroupCommitRig<R> {
    async fn start() -> Self {
        Self(R::start().await)
    }

    async fn node(&self) -> Store {
        let store = self.0.node().await;
        let config = GroupCommitConfig { shards: 3, max_batch: 16, ..GroupCommitConfig::default() };
        Store { messages: Arc::new(GroupCommit::spawn(store.messages, &config)), ..store }
    }

    fn spawn(&self, task: Task) -> Task {
        self.0.spawn(task)
    }

    async fn damage_message(&self, tenant: &TenantId, id: MessageId) -> bool {
        self.0.damage_message(tenant, id).await
    }
}

/// Each node shares its questions for revs.
pub(crate) struct SharedRevsRig<R>(R);

#[async_trait]
impl<R: StoreRig> StoreRig for SharedRevsRig<R> {
    async fn start() -> Self {
        Self(R::start().await)
    }

    async fn node(&self) -> Store {
        let store = self.0.node().await;
        let config = SharedRevsConfig { max_batch: 16, ..SharedRevsConfig::default() };
        Store { revisions: Arc::new(SharedRevs::spawn(store.revisions, &config)), ..store }
    }

    fn spawn(&self, task: Task) -> Task {
        self.0.spawn(task)
    }

    async fn damage_message(&self, tenant: &TenantId, id: MessageId) -> bool {
        self.0.damage_message(tenant, id).await
    }
}

/// Each node shares its questions for changes alone.
struct SharedChangesRig<R>(R);

#[async_trait]
impl<R: StoreRig> StoreRig for SharedChangesRig<R> {
    async fn start() -> Self {
        Self(R::start().await)
    }

    async fn node(&self) -> Store {
        let store = self.0.node().await;
        let config = SharedRevsConfig { max_batch: 16, ..SharedRevsConfig::default() };
        Store { revisions: Arc::new(SharedChanges::spawn(store.revisions, &config)), ..store }
    }

    fn spawn(&self, task: Task) -> Task {
        self.0.spawn(task)
    }

    async fn damage_message(&self, tenant: &TenantId, id: MessageId) -> bool {
        self.0.damage_message(tenant, id).await
    }
}

/// All decorators together, as the service puts them: each node with a cache of its own in front of a shared one.
pub(crate) struct CachedRig<R, C> {
    store: R,
    far: C,
}

#[async_trait]
impl<R: StoreRig, C: CacheRig> StoreRig for CachedRig<R, C> {
    async fn start() -> Self {
        Self { store: R::start().await, far: C::start().await }
    }

    async fn node(&self) -> Store {
        let store = self.store.node().await;
        let far = Some(self.far.node().await);
        let revisions = Arc::new(SharedRevs::spawn(store.revisions, &SharedRevsConfig::default()));
        let messages = Arc::new(GroupCommit::spawn(store.messages, &GroupCommitConfig::default()));
        let config = CachedMessagesConfig::default();
        let pages = Arc::new(CachedMessages::new(store.pages, revisions.clone(), far, &config));
        Store { messages, pages, revisions, ..store }
    }

    fn spawn(&self, task: Task) -> Task {
        self.store.spawn(task)
    }

    async fn damage_message(&self, tenant: &TenantId, id: MessageId) -> bool {
        self.store.damage_message(tenant, id).await
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

message_repository_contract!(group_commit_over_fake, GroupCommitRig<FakeRig>);
revision_source_contract!(shared_revs_over_fake, SharedRevsRig<FakeRig>);
revision_source_contract!(shared_changes_over_fake, SharedChangesRig<FakeRig>);
store_contract!(cached_over_fake, CachedRig<FakeRig, SharedMemoryRig>);
message_repository_contract!(group_commit_over_sqlite, GroupCommitRig<SqliteRig>);
store_contract!(cached_over_sqlite, CachedRig<SqliteRig, SharedMemoryRig>);
