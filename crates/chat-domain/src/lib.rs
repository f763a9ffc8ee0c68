//! The heart of the Chorus chat service: sessions, messages, extensions, the rules about them, and the ports through
//! which they are stored, cached and told of. No I/O, no runtime.
//!
//! # Map
//! - [`session`], [`message`], [`extension`]: entities, drafts (what a client sends, unchecked), services, ports.
//! - [`access`]: who may do what; [`audit`]: who did what.
//! - [`figures`]: who may read those of the service.
//! - [`limit`]: how much callers may ask, and the port of what keeps count.
//! - [`event`]: that something changed.
//! - [`cache`], [`clock`], [`health`], [`idempotency`]: the other ports.
//! - [`error`], [`outcome`]: how a store fails, and what a write that went well comes to. [`deadline`]: how long a request
//!   may wait for stores.
//! - [`id`], [`revision`], [`timestamp`], [`metadata`], [`precondition`]: values that hold only what is valid.
//! - [`fault`], [`field`], [`query`]: checking input, every fault at once.
//! - `testing` (feature): fakes, builders, and one contract suite for each port.
//!
//! # Invariants
//! - UUIDv7 is the identity, a session's `seq` is the order of its messages, its `rev` is the cursor over its changes.
//! - `seq` is 1, 2, 3 … in commit order, without gaps and never reused.
//! - One change takes one `rev`. Whatever changes in a session, its `rev` grows.
//! - No method of a repository exists without a tenant in what it takes.
//! - A deleted message leaves a store as a tombstone only.
//!
//! # Adding a port
//! 1. Write the trait in `<thing>/port.rs`: dyn-safe, `&self`, one atomic step a method, refusals as outcomes.
//! 2. Write its promises as plain functions in `testing/contract/<port>.rs`, and the macro that makes tests of them.
//! 3. Write the fake in `testing/fake/`, and run the suite on it; then the adapters, and run it on them.

pub mod access;
pub mod attachment;
pub mod audit;
pub mod cache;
pub mod clock;
pub mod cursor;
pub mod deadline;
pub mod error;
pub mod event;
pub mod extension;
pub mod fault;
pub mod field;
pub mod figures;
pub mod health;
pub mod id;
pub mod idempotency;
pub mod limit;
pub mod message;
pub mod metadata;
mod named;
pub mod outcome;
pub mod participant;
pub mod precondition;
pub mod query;
pub mod revision;
pub mod session;
#[cfg(feature = "testing")]
pub mod testing;
pub mod timestamp;
