//! The store of a service that runs by itself: one SQLite file, written by this process alone.
//!
//! One thread owns the one connection that writes, a few others own the connections that read; whoever calls hands them
//! a piece of work and waits, never longer than the deadline. Writes that wait for the disk at the same time are
//! committed together (`writer`). The file is in WAL mode, so a reader sees everything that was committed before it
//! began and waits for no writer.
//!
//! - `config`, `file`, `connection`, `migrate`, `store`: from a path to an open store.
//! - `task`, `reader`, `writer`, `traced`: the threads, the way to them, and what a trace shows of them.
//! - `changes`, `known`, `user_lists`: what the process knows of the file without reading it.
//! - `checkpoint`: the way of the log into the file, beside the writer.
//! - `schema`, `value`, `update`, `limit`, `error`: tables, column types, parts of statements, failures.
//! - `session`, `message`, `extension`, `idempotency`, `revision`, `probe`: the ports.

mod attachment;
mod audit;
mod audit_list;
mod changes;
mod checkpoint;
mod config;
mod connection;
mod error;
mod extension;
mod figures;
mod file;
mod from_cursor;
mod head;
mod idempotency;
mod known;
mod known_to_user;
mod limit;
mod message;
mod migrate;
mod participant;
#[cfg(test)]
mod plans;
mod probe;
mod reader;
mod revision;
mod schema;
mod session;
mod session_list;
mod store;
mod sweep;
mod task;
#[cfg(test)]
mod tests;
mod traced;
mod unread;
mod update;
mod user_lists;
mod value;
mod writer;

pub use attachment::SqliteAttachments;
pub use audit::SqliteAudit;
pub use config::{InvalidSqliteUrl, SqliteConfig};
pub use extension::SqliteExtensions;
pub use idempotency::SqliteIdempotency;
pub use message::SqliteMessages;
pub use participant::SqliteParticipants;
pub use probe::SqliteProbe;
pub use revision::SqliteRevisions;
pub use session::SqliteSessions;
pub use store::{OpenError, SqliteStore};
pub use unread::SqliteUnread;
