//! How Redis stands for a cache.

use std::time::Duration;

use async_trait::async_trait;
use deadpool_redis::redis::{self, Cmd};
use metrics::Gauge;

use super::breaker::{Look, Standing};
use super::pool::RedisPool;
use super::probe::writing;

/// Reads and writes one key, and tells the log and the gauge what came of it.
pub(super) struct CacheLook {
    pool: RedisPool,
    key: String,
    timeout: Duration,
    available: Gauge,
}

impl CacheLook {
    /// Looks over these connections, at this key, with the patience of those who ask; the gauge is 1 from now on.
    pub(super) fn new(pool: RedisPool, key: String, timeout: Duration, available: Gauge) -> Self {
        available.set(1.0);
        Self { pool, key, timeout, available }
    }

    fn reading(&self) -> Cmd {
        let mut command = redis::cmd("GET");
        command.arg(&self.key);
        command
    }
}

#[async_trait]
impl Look for CacheLook {
    /// Waits as long as a new connection may take, and then no longer than those who ask.
    async fn look(&self) -> Standing {
        let (read, written) = tokio::join!(
            self.pool.answers::<Option<Vec<u8>>>(|| self.reading(), self.timeout),
            self.pool.answers::<()>(|| writing(&self.key), self.timeout),
        );
        match (read, written) {
            (Ok(_), Ok(())) => Standing::Whole,
            (Ok(_), Err(error)) if error.is_refusal() => Standing::ReadOnly(error),
            (Err(error), _) | (Ok(_), Err(error)) => Standing::Away(error),
        }
    }

    fn tell(&self, standing: &Standing) {
        match standing {
            Standing::Whole => {
                self.available.set(1.0);
                tracing::info!("redis serves again");
            }
            Standing::ReadOnly(error) => {
                self.available.set(0.0);
                tracing::warn!(error = error.chain(), "redis takes nothing more; going on with what it has");
            }
            Standing::Away(error) => {
                self.available.set(0.0);
                tracing::warn!(error = error.chain(), "redis does not serve; going on without it");
            }
        }
    }
}
