//! Events: that something changed in a session, and how far the session has come by it.
//!
//! An event only wakes those who follow a session. It carries no content: what changed is read from the store, so a lost
//! event costs time and never truth.

mod model;
mod port;

pub use model::{ChangeKind, SessionChanged};
pub use port::{EventPublisher, EventStream, EventSubscriber};
#[cfg(feature = "testing")]
pub use port::{MockEventPublisher, MockEventSubscriber};
