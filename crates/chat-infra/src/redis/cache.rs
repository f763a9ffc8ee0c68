//! The cache that nodes share.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::cache::Cache;
use deadpool_redis::redis::{self, Cmd, FromRedisValue};
use tokio::time::Instant;

use super::breaker::{Breaker, Change};
use super::config::RedisConfig;
use super::figures::{Calls, Figures};
use super::pool::{CallError, RedisPool};
use crate::operation::{Observed, Operation, System};

/// How values lie in Redis: as the bytes that were put, with nothing around them. Another way takes another number, so
/// that nodes of two releases can share a Redis.
const FORMAT: u32 = 1;

/// Keeps values in Redis. What Redis does not do within the time limit is a miss; after a few failures in a row it is not
/// asked for a moment.
///
/// Counts `chat_redis_calls_total` by `call` and `result` (`ok`, `failed`, `skipped`), keeps the gauge
/// `chat_redis_available`, and writes one line to the log when that changes.
pub struct RedisCache {
    pool: Observed<RedisPool>,
    breaker: Breaker,
    prefix: String,
    ttl_ms: u64,
    timeout: Duration,
    figures: Figures,
}

impl RedisCache {
    /// A cache over these connections.
    #[must_use]
    pub fn new(pool: RedisPool, config: &RedisConfig) -> Self {
        Self {
            pool: Observed::new(System::Redis, pool),
            breaker: Breaker::new(config.breaker.clone()),
            prefix: format!("{}:{FORMAT}:", config.prefix),
            // Redis refuses a time of zero.
            ttl_ms: u64::try_from(config.ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, LONGEST_TTL_MS),
            timeout: config.timeout,
            figures: Figures::new(),
        }
    }

    async fn ask<T: FromRedisValue + Send + 'static>(
        &self,
        operation: Operation,
        calls: &Calls,
        command: Cmd,
    ) -> Option<T> {
        let Some(pass) = self.breaker.admit(Instant::now()) else {
            calls.skipped.increment(1);
            return None;
        };
        match self.pool.run(operation, |pool| pool.call(command, self.timeout)).await {
            Ok(answer) => {
                calls.ok.increment(1);
                self.tell(pass.succeeded(), None);
                Some(answer)
            }
            Err(error) => {
                calls.failed.increment(1);
                self.tell(pass.failed(Instant::now()), Some(&error));
                None
            }
        }
    }

    fn tell(&self, change: Option<Change>, error: Option<&CallError>) {
        match change {
            Some(Change::Opened) => {
                self.figures.available(false);
                let error = error.map(CallError::chain);
                tracing::warn!(error, "redis does not answer; going on without it");
            }
            Some(Change::Closed) => {
                self.figures.available(true);
                tracing::info!("redis answers again");
            }
            None => {}
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

/// A hundred years; Redis refuses times that it cannot add to the present one.
const LONGEST_TTL_MS: u64 = 100 * 365 * 24 * 60 * 60 * 1_000;

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        let mut command = redis::cmd("GET");
        command.arg(self.key(key));
        let value = self.ask::<Option<Vec<u8>>>(Operation::CacheGet, &self.figures.get, command).await?;
        value.map(Arc::from)
    }

    async fn put(&self, key: &str, value: Arc<[u8]>) {
        let mut command = redis::cmd("SET");
        command.arg(self.key(key)).arg(&*value).arg("PX").arg(self.ttl_ms);
        self.ask::<()>(Operation::CachePut, &self.figures.put, command).await;
    }
}
