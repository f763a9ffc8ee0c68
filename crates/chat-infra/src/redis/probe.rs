//! Whether Redis is there, and takes what it is given.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::health::{Probe, Pulse};
use deadpool_redis::redis::{self, Cmd};

use super::config::RedisConfig;
use super::pool::RedisPool;

/// How long what a probe writes is kept, in milliseconds.
const KEPT: u64 = 1_000;

/// Writes a key that soon goes by itself, whatever the breaker of a cache says. A `PING` would not do: a Redis that is
/// full answers it, and all reads, and refuses each write.
pub struct RedisProbe {
    pool: RedisPool,
    key: String,
}

/// The key that is there for being tried alone.
pub(super) fn key(config: &RedisConfig) -> String {
    format!("{}:probe", config.prefix)
}

/// Writes it, for a moment.
pub(super) fn writing(key: &str) -> Cmd {
    let mut command = redis::cmd("SET");
    command.arg(key).arg(1).arg("PX").arg(KEPT);
    command
}

impl RedisProbe {
    /// Probes over these connections, under the prefix of the configuration.
    #[must_use]
    pub fn new(pool: RedisPool, config: &RedisConfig) -> Self {
        Self { pool, key: key(config) }
    }
}

#[async_trait]
impl Probe for RedisProbe {
    /// Waits as long as a new connection may take.
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        let answer = self.pool.call::<()>(writing(&self.key), self.pool.connect_timeout()).await;
        answer.map(|()| Pulse::default()).map_err(RepositoryError::unavailable)
    }
}
