//! The store on PostgreSQL 15 and later, through diesel-async on tokio-postgres.
//!
//! - [`PgStore`] is one node's way to the database: a pool, and the repositories on it.
//! - [`migrate()`] makes the tables and brings them up to date.
//! - Every statement is prepared once on each connection, names the tenant, and goes by an index that fits it.
//! - Whatever changes a session or anything in it holds the lock of the session's row. Several are locked in the order
//!   of their keys, so writers wait for each other and never deadlock.
//! - What somebody else holds is waited for briefly and then said to be busy; the probe asks beside the pool.
//! - A statement that fails was not made, unless the error says [`OutcomeUnknown`].
//!
//! [`OutcomeUnknown`]: chat_domain::error::RepositoryError::OutcomeUnknown

mod attachment;
mod audit;
mod config;
mod connect;
mod error;
mod extension;
mod figures;
mod grant;
mod hosts;
mod idempotency;
mod lease;
mod message;
mod migrate;
mod participant;
#[cfg(test)]
mod plans;
mod pool;
mod probe;
mod revision;
mod row;
mod schema;
mod session;
mod statement;
mod store;
mod sweep;
mod time;
mod tls;
mod unread;
mod warm;

pub use config::{InvalidUrl, PgConfig};
pub use migrate::{migrate, migrate_until};
pub use probe::PgProbe;
pub use store::{PgStartError, PgStore};
pub use tls::TlsError;
