//! The cache that nodes share.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::cache::Cache;
use deadpool_redis::redis::{self, Cmd, FromRedisValue};

use super::breaker::{Breaker, Kind};
use super::config::RedisConfig;
use super::figures::{Calls, Figures};
use super::look::CacheLook;
use super::pool::RedisPool;
use super::probe;
use crate::operation::{Observed, Operation, System};

/// How values lie in Redis: as the bytes that were put, with nothing around them. Another way takes another number, so
/// that nodes of two releases can share a Redis.
const FORMAT: u32 = 1;

/// Keeps values in Redis. What Redis does not do within the time limit is a miss. After a call that failed it is not
/// asked until a look of the cache's own found it there again, so no caller waits for a Redis that is known to be gone.
/// One that refuses to be written, because it is full, is still read. Now and then it is looked at in any case.
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
        let figures = Figures::new();
        let look = CacheLook::new(pool.clone(), probe::key(config), config.timeout, Figures::available());
        let breaker = Breaker::new(look, config, pool.runtime());
        Self {
            pool: Observed::new(System::Redis, pool),
            breaker,
            prefix: format!("{}:{FORMAT}:", config.prefix),
            // Redis refuses a time of zero.
            ttl_ms: u64::try_from(config.ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, LONGEST_TTL_MS),
            timeout: config.timeout,
            figures,
        }
    }

    async fn ask<T: FromRedisValue + Send + 'static>(
        &self,
        kind: Kind,
        operation: Operation,
        calls: &Calls,
        command: Cmd,
    ) -> Option<T> {
        if !self.breaker.admits(kind) {
            calls.skipped.increment(1);
            return None;
        }
        match self.pool.run(operation, |pool| pool.call(command, self.timeout)).await {
            Ok(answer) => {
                calls.ok.increment(1);
                Some(answer)
            }
            Err(error) => {
                calls.failed.increment(1);
                self.breaker.failed(kind, &error);
                None
            }
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
        let value = self.ask::<Option<Vec<u8>>>(Kind::Read, Operation::CacheGet, &self.figures.get, command).await?;
        value.map(Arc::from)
    }

    async fn put(&self, key: &str, value: Arc<[u8]>) {
        let mut command = redis::cmd("SET");
        command.arg(self.key(key)).arg(&*value).arg("PX").arg(self.ttl_ms);
        self.ask::<()>(Kind::Write, Operation::CachePut, &self.figures.put, command).await;
    }
}
