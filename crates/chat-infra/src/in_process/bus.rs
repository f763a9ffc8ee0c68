//! A bus within the process: what one node needs, or the local half of a bus between nodes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chat_domain::event::{EventPublisher, EventStream, EventSubscriber, SessionChanged};
use chat_domain::id::TenantId;
use futures_util::stream;
use metrics::{Counter, counter, describe_counter};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

const MISSED: &str = "chat_bus_missed_total";

/// How much an [`InProcessBus`] keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InProcessBusConfig {
    /// How many events of a tenant wait for its slowest subscriber, 1 or more; 1,024. A subscriber that is further
    /// behind misses the oldest.
    pub backlog: usize,
}

impl Default for InProcessBusConfig {
    fn default() -> Self {
        Self { backlog: 1_024 }
    }
}

/// Hands each event to all subscribers of its tenant, without waiting for any.
///
/// Each tenant has a channel of its own, so that a busy one makes nobody else's subscribers miss anything. The streams
/// end when the last handle on the bus is gone.
///
/// Counts `chat_bus_missed_total`.
#[derive(Clone)]
pub struct InProcessBus {
    backlog: usize,
    /// Of the tenants that somebody listens to.
    channels: Arc<Mutex<HashMap<TenantId, broadcast::Sender<SessionChanged>>>>,
    missed: Counter,
}

impl InProcessBus {
    /// A bus without subscribers.
    #[must_use]
    pub fn new(config: &InProcessBusConfig) -> Self {
        describe_counter!(MISSED, "Events that a subscriber on this node missed, because it was too far behind");
        Self { backlog: config.backlog.max(1), channels: Arc::default(), missed: counter!(MISSED) }
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<TenantId, broadcast::Sender<SessionChanged>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventPublisher for InProcessBus {
    async fn publish(&self, event: SessionChanged) {
        // Sent under the lock, so that two publications reach all subscribers in one order.
        let mut channels = self.channels();
        let Some(channel) = channels.get(&event.tenant_id) else { return };
        if let Err(unheard) = channel.send(event) {
            channels.remove(&unheard.0.tenant_id);
        }
    }
}

#[async_trait]
impl EventSubscriber for InProcessBus {
    async fn subscribe(&self, tenant: &TenantId) -> EventStream {
        let mut channels = self.channels();
        // A tenant that nobody publishes to any more is forgotten here at the latest.
        channels.retain(|_, channel| channel.receiver_count() > 0);
        let channel = channels.entry(tenant.clone()).or_insert_with(|| broadcast::Sender::new(self.backlog));
        Box::pin(stream::unfold((channel.subscribe(), self.missed.clone()), next))
    }
}

/// What a subscriber reads from, and where is counted what it misses.
type Subscription = (broadcast::Receiver<SessionChanged>, Counter);

/// The next event that is left for this subscriber.
async fn next((mut events, missed): Subscription) -> Option<(SessionChanged, Subscription)> {
    loop {
        match events.recv().await {
            Ok(event) => return Some((event, (events, missed))),
            Err(RecvError::Lagged(events)) => missed.increment(events),
            Err(RecvError::Closed) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_domain::event::ChangeKind;
    use chat_domain::id::SessionId;
    use chat_domain::revision::Rev;
    use futures_util::StreamExt as _;

    use super::*;

    fn event(tenant: &TenantId, rev: i64) -> SessionChanged {
        SessionChanged {
            tenant_id: tenant.clone(),
            session_id: SessionId::new(uuid::Uuid::nil()),
            rev: Rev::new(rev),
            kind: ChangeKind::Message,
        }
    }

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    #[tokio::test]
    async fn a_subscriber_that_is_too_slow_misses_the_oldest_and_goes_on() {
        let (busy, calm) = (tenant("busy"), tenant("calm"));
        let bus = InProcessBus::new(&InProcessBusConfig { backlog: 4 });
        let (slow, other) = (bus.subscribe(&busy).await, bus.subscribe(&calm).await);
        bus.publish(event(&calm, 1)).await;
        for rev in 1..=100 {
            bus.publish(event(&busy, rev)).await;
        }
        drop(bus);
        let revs: Vec<_> = slow.map(|event| event.rev.get()).collect().await;
        assert_eq!(revs, [97, 98, 99, 100]);
        assert_eq!(other.count().await, 1, "another tenant's traffic costs nobody an event");
    }

    #[tokio::test]
    async fn a_tenant_that_nobody_listens_to_takes_no_room() {
        let bus = InProcessBus::new(&InProcessBusConfig::default());
        for n in 0..10 {
            drop(bus.subscribe(&tenant(&format!("t{n}"))).await);
        }
        bus.publish(event(&tenant("t9"), 1)).await;
        assert!(bus.channels().is_empty());
    }
}
