//! Whether Redis is there.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::health::{Probe, Pulse};
use deadpool_redis::redis;

use super::pool::RedisPool;

/// Sends a `PING`, whatever the breaker of a cache says.
pub struct RedisProbe {
    pool: RedisPool,
}

impl RedisProbe {
    /// Probes over these connections.
    #[must_use]
    pub const fn new(pool: RedisPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl Probe for RedisProbe {
    /// Waits as long as a new connection may take.
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        let answer = self.pool.call::<()>(redis::cmd("PING"), self.pool.connect_timeout()).await;
        answer.map(|()| Pulse::default()).map_err(RepositoryError::unavailable)
    }
}
