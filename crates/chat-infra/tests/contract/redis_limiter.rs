//! Limits that nodes share through Redis keep the promises of their port.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chat_domain::limit::{Limits, Quota, RateLimiter};
use chat_domain::rate_limiter_contract;
use chat_domain::testing::rig::{LimiterRig, Task};
use chat_infra::redis::{RedisConfig, RedisLimiter, RedisPool};

use crate::decorator_doubles::beside;
use crate::redis_server::shared;

/// A limiter over connections of its own.
pub(crate) fn limiter(config: &RedisConfig, limits: Limits) -> RedisLimiter {
    RedisLimiter::spawn(limits, RedisPool::new(config).expect("a valid url"), config)
}

/// Nodes with connections of their own.
struct RedisLimiterRig {
    start: Instant,
    config: RedisConfig,
}

#[async_trait]
impl LimiterRig for RedisLimiterRig {
    async fn start() -> Self {
        Self { start: Instant::now(), config: shared() }
    }

    async fn node(&self, limits: Limits) -> Arc<dyn RateLimiter> {
        Arc::new(limiter(&self.config, limits))
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn overshoot(&self, quota: Quota) -> u32 {
        2 * RedisLimiter::overshoot(quota)
    }

    fn spawn(&self, task: Task) -> Task {
        beside(task)
    }
}

rate_limiter_contract!(nodes, RedisLimiterRig);
