//! A bus that delivers everything and remembers it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use futures_core::Stream;

use crate::event::{EventPublisher, EventStream, EventSubscriber, SessionChanged};
use crate::id::TenantId;

/// A bus that delivers everything and remembers it. A clone is a handle on the same bus; with the last handle its
/// streams end.
#[derive(Clone, Default)]
pub struct FakeBus(Arc<Bus>);

#[derive(Default)]
struct Bus(Mutex<State>);

#[derive(Default)]
struct State {
    published: Vec<SessionChanged>,
    subscribers: Vec<Subscriber>,
}

struct Subscriber {
    tenant: TenantId,
    mailbox: Weak<Mutex<Mailbox>>,
}

#[derive(Default)]
struct Mailbox {
    events: VecDeque<SessionChanged>,
    closed: bool,
    waker: Option<Waker>,
}

struct Subscription(Arc<Mutex<Mailbox>>);

impl FakeBus {
    /// A bus to which nobody listens yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that was published, in order.
    #[must_use]
    pub fn published(&self) -> Vec<SessionChanged> {
        lock(&self.0.0).published.clone()
    }
}

#[async_trait]
impl EventPublisher for FakeBus {
    async fn publish(&self, event: SessionChanged) {
        let mut state = lock(&self.0.0);
        state.subscribers.retain(|subscriber| subscriber.mailbox.strong_count() > 0);
        for mailbox in state.mailboxes(|tenant| *tenant == event.tenant_id) {
            lock(&mailbox).put(|mailbox| mailbox.events.push_back(event.clone()));
        }
        state.published.push(event);
    }
}

#[async_trait]
impl EventSubscriber for FakeBus {
    async fn subscribe(&self, tenant: &TenantId) -> EventStream {
        let mailbox = Arc::default();
        let subscriber = Subscriber { tenant: tenant.clone(), mailbox: Arc::downgrade(&mailbox) };
        lock(&self.0.0).subscribers.push(subscriber);
        Box::pin(Subscription(mailbox))
    }
}

impl State {
    fn mailboxes(&self, of: impl Fn(&TenantId) -> bool) -> impl Iterator<Item = Arc<Mutex<Mailbox>>> {
        self.subscribers.iter().filter(move |known| of(&known.tenant)).filter_map(|known| known.mailbox.upgrade())
    }
}

impl Mailbox {
    fn put(&mut self, change: impl FnOnce(&mut Self)) {
        change(self);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        for mailbox in lock(&self.0).mailboxes(|_| true) {
            lock(&mailbox).put(|mailbox| mailbox.closed = true);
        }
    }
}

impl Stream for Subscription {
    type Item = SessionChanged;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SessionChanged>> {
        let mut mailbox = lock(&self.0);
        if let Some(event) = mailbox.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if mailbox.closed {
            return Poll::Ready(None);
        }
        mailbox.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
