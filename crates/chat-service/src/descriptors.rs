//! Room for open files: each connection is one, and a process may have but a few unless it asks for more.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::settings::Settings;

/// Connections to Redis, at most.
const REDIS: usize = 18;
/// Connections of those who look after the service, the log, the files of the SQLite store, and what threads wait on.
const BESIDE: usize = 128;

/// Sees to it that the process may open as many files as it is allowed at most, and says so where this is less than its
/// settings need.
///
/// A service that cannot have them serves all the same: further connections wait.
pub(crate) fn raise(settings: &Settings) {
    if let Err(error) = raise_to_hard() {
        tracing::warn!(%error, "the limit of open files cannot be raised to what is allowed");
    }
    let (limit, needed) = (getrlimit(Resource::Nofile).current, needed(settings));
    if let Some(limit) = limit.filter(|limit| *limit < needed as u64) {
        tracing::warn!(limit, needed, "fewer open files are allowed than MAX_CONNECTIONS needs; connections will wait");
    }
}

fn raise_to_hard() -> io::Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return Ok(());
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// What all that the settings allow for may have open at once.
fn needed(settings: &Settings) -> usize {
    let redis = if settings.redis_url.is_some() { REDIS } else { 0 };
    settings.max_connections + settings.database_max_connections + redis + BESIDE
}
