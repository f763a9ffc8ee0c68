//! The adapters: how the ports of `chat-domain` are met with PostgreSQL, SQLite, Redis, the process and the machine.
//!
//! # Map
//! - [`system`]: the machine's clock and ids.
//! - [`in_process`]: cache and bus in the memory of one node.
//! - [`postgres`]: the store of a service that runs on several nodes.
//! - [`redis`]: what nodes share in Redis; a broken Redis is a miss.
//! - [`sqlite`]: the store of a service that runs by itself, in one file.
//! - [`decorator`]: ports around ports, for speed: group commit, caches, shared questions.

pub mod decorator;
pub mod in_process;
pub mod postgres;
pub mod redis;
pub mod sqlite;
pub mod system;
