//! What a contract suite needs to know of an adapter: how to start it, how to reach it, how to run things beside each
//! other. The domain has no runtime, so the rig brings one.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::access::TokenVerifier;
use crate::attachment::{AttachmentFiles, AttachmentRepository};
use crate::audit::AuditRepository;
use crate::cache::Cache;
use crate::event::{EventPublisher, EventSubscriber};
use crate::extension::ExtensionRepository;
use crate::id::{MessageId, TenantId};
use crate::idempotency::IdempotencyRepository;
use crate::limit::{Limits, Quota, RateLimiter};
use crate::message::{MessagePages, MessageRepository};
use crate::participant::{ParticipantRepository, UnreadCounts};
use crate::session::{RevisionSource, SessionRepository};
use crate::testing::fake::FakeClock;

/// Something to be run beside other things.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The ports of one node over a store.
#[derive(Clone)]
pub struct Store {
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The messages.
    pub messages: Arc<dyn MessageRepository>,
    /// The messages, page by page.
    pub pages: Arc<dyn MessagePages>,
    /// The extensions.
    pub extensions: Arc<dyn ExtensionRepository>,
    /// The keys of everything but messages.
    pub idempotency: Arc<dyn IdempotencyRepository>,
    /// The attachments.
    pub attachments: Arc<dyn AttachmentRepository>,
    /// The audit.
    pub audit: Arc<dyn AuditRepository>,
    /// Who has read how much.
    pub participants: Arc<dyn ParticipantRepository>,
    /// What is unread.
    pub unread: Arc<dyn UnreadCounts>,
    /// How far the sessions have come.
    pub revisions: Arc<dyn RevisionSource>,
}

/// A store under test.
#[async_trait]
pub trait StoreRig: Send + Sync + Sized + 'static {
    /// A store of its own, empty.
    async fn start() -> Self;

    /// The ports of one node. Called again: of another node on the same data, where the adapter allows one; else the
    /// same.
    async fn node(&self) -> Store;

    /// Runs a task beside the others, from now on, and gives a future that waits for it. A panic of the task comes out
    /// of that future.
    fn spawn(&self, task: Task) -> Task;

    /// Makes the stored row of this message unreadable (for example an unknown visibility); `false` where the adapter
    /// cannot.
    async fn damage_message(&self, tenant: &TenantId, id: MessageId) -> bool;
}

/// A place of files under test.
#[async_trait]
pub trait FilesRig: Send + Sync + Sized + 'static {
    /// A place of its own, empty.
    async fn start() -> Self;

    /// One node's way to it. Called again: of another node on the same files, where the adapter allows one; else the same.
    async fn node(&self) -> Arc<dyn AttachmentFiles>;

    /// Runs a task beside the others, as [`StoreRig::spawn`] does.
    fn spawn(&self, task: Task) -> Task;
}

/// A cache under test.
#[async_trait]
pub trait CacheRig: Send + Sync + Sized + 'static {
    /// A cache of its own, empty, that works.
    async fn start() -> Self;

    /// One node's way to it. Called again: of another node on the same cache, where the adapter allows one; else the
    /// same.
    async fn node(&self) -> Arc<dyn Cache>;

    /// Runs a task beside the others, as [`StoreRig::spawn`] does.
    fn spawn(&self, task: Task) -> Task;
}

/// A bus under test.
#[async_trait]
pub trait EventRig: Send + Sync + Sized + 'static {
    /// A bus of its own that works.
    async fn start() -> Self;

    /// Both ends of it on one node. Called again: on another node, where the adapter allows one; else the same.
    async fn node(&self) -> (Arc<dyn EventPublisher>, Arc<dyn EventSubscriber>);

    /// Runs a task beside the others, as [`StoreRig::spawn`] does.
    fn spawn(&self, task: Task) -> Task;

    /// Waits for so long as a working bus could ever need (some seconds); `None` where that was not enough.
    async fn within<T: Send>(&self, wait: impl Future<Output = T> + Send) -> Option<T>;
}

/// A verifier of tokens under test, with whoever signs tokens for it.
#[async_trait]
pub trait TokenRig: Send + Sync + Sized + 'static {
    /// A signer of its own, whose key the verifiers have.
    async fn start() -> Self;

    /// The clock that the verifiers ask.
    fn clock(&self) -> &FakeClock;

    /// A verifier that wants neither an audience nor an issuer. Called again: the same.
    fn verifier(&self) -> Arc<dyn TokenVerifier>;

    /// A verifier that wants this audience and this issuer.
    fn strict_verifier(&self, audience: &str, issuer: &str) -> Arc<dyn TokenVerifier>;

    /// A token with these claims, as JSON text.
    fn sign(&self, claims: &str) -> String;

    /// Runs a task beside the others, as [`StoreRig::spawn`] does.
    fn spawn(&self, task: Task) -> Task;
}

/// A limiter under test.
#[async_trait]
pub trait LimiterRig: Send + Sync + Sized + 'static {
    /// A count of its own, of which nothing is used.
    async fn start() -> Self;

    /// One node's way to it, under these limits. Called again: of another node on the same count, where the adapter
    /// allows one; else the same.
    async fn node(&self, limits: Limits) -> Arc<dyn RateLimiter>;

    /// The time by which the limiter lives, from any start.
    fn now(&self) -> Duration;

    /// Lets so much time pass.
    async fn pass(&self, time: Duration);

    /// By how much two nodes together may exceed this quota; 0 where there is but one count.
    fn overshoot(&self, quota: Quota) -> u32;

    /// Runs a task beside the others, as [`StoreRig::spawn`] does.
    fn spawn(&self, task: Task) -> Task;
}
