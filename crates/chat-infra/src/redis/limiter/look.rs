//! How Redis stands for limits.

use std::time::Duration;

use async_trait::async_trait;
use deadpool_redis::redis::{self, Cmd};

use super::buyer::SCRIPT;
use crate::redis::breaker::{Look, Standing};
use crate::redis::pool::RedisPool;

/// Buys a permit that nobody uses, and tells the log what came of it.
pub(super) struct LimitsLook {
    pool: RedisPool,
    key: String,
    timeout: Duration,
}

impl LimitsLook {
    /// Looks over these connections, with a quota of its own under this key and the patience of those who ask.
    pub(super) const fn new(pool: RedisPool, key: String, timeout: Duration) -> Self {
        Self { pool, key, timeout }
    }

    /// One permit of a quota of one each second, so that the key soon goes by itself.
    fn command(&self) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(SCRIPT).arg(1).arg(&self.key).arg(1_000_000).arg(1).arg(0).arg(1);
        command
    }
}

#[async_trait]
impl Look for LimitsLook {
    /// Waits as long as a new connection may take, and then no longer than those who ask.
    async fn look(&self) -> Standing {
        let bought = self.pool.answers::<Vec<u64>>(|| self.command(), self.timeout).await;
        bought.map_or_else(Standing::Away, |_| Standing::Whole)
    }

    fn tell(&self, standing: &Standing) {
        match standing {
            Standing::Whole => tracing::info!("redis serves again; nodes share the limits"),
            Standing::ReadOnly(error) | Standing::Away(error) => {
                tracing::warn!(error = error.chain(), "redis does not serve; each node keeps to the limits by itself");
            }
        }
    }
}
