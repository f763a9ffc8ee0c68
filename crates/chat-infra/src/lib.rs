//! The adapters: how the ports of `chat-domain` are met with PostgreSQL, SQLite, Redis, the process and the machine.
//!
//! # Map
//! - [`files`]: where the files of attachments lie.
//! - [`token`]: signed tokens and the keys they are checked with.
//! - [`system`]: the machine's clock and ids.
//! - [`in_process`]: bus and limits in the memory of one node.
//! - [`postgres`]: the store of a service that runs on several nodes.
//! - [`redis`]: what nodes share in Redis, pages and limits; a broken Redis is a miss.
//! - [`sqlite`]: the store of a service that runs by itself, in one file.
//! - [`decorator`]: ports around ports, for speed: group commit, caches, shared questions.
//! - [`operation`]: the seam through which each operation of a store or cache goes: figures and spans.

mod deadline;
pub mod decorator;
mod figure;
pub mod files;
pub mod in_process;
pub mod operation;
pub mod postgres;
pub mod redis;
pub mod sqlite;
mod sweep;
pub mod system;
pub mod token;
