//! What the domain needs of a bus.

use std::pin::Pin;

use async_trait::async_trait;
use futures_core::Stream;

use super::model::SessionChanged;
use crate::id::TenantId;

/// Tells others that a session changed, after the change is durable.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait EventPublisher: Send + Sync + 'static {
    /// Tells it, without waiting for anyone to listen. The bus may drop: whoever follows a session sees the gap in `rev`.
    /// An adapter logs and counts what it cannot publish.
    async fn publish(&self, event: SessionChanged);
}

/// What a subscriber gets: events until the bus goes away.
pub type EventStream = Pin<Box<dyn Stream<Item = SessionChanged> + Send>>;

/// Lets others follow what changes.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait EventSubscriber: Send + Sync + 'static {
    /// All events of a tenant that are published from now on, each session's in the order of its publications. A
    /// subscriber that is too slow misses some.
    async fn subscribe(&self, tenant: &TenantId) -> EventStream;
}
