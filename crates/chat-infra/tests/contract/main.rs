//! The adapters and decorators under the contract suites of `chat-domain`: a line for each, the rigs in its file.
#![cfg(test)]

mod decorator;
mod decorator_cached_messages;
mod decorator_doubles;
mod decorator_group_commit;
mod decorator_postgres;
mod decorator_shared_revs;
mod decorator_staleness;
mod in_process;
mod postgres;
mod postgres_connect;
mod postgres_cost;
mod postgres_locks;
mod postgres_migrate;
mod postgres_outage;
mod postgres_proxy;
mod postgres_race;
mod postgres_server;
mod redis;
mod redis_outage;
mod redis_server;
mod sqlite;
mod sqlite_file;
