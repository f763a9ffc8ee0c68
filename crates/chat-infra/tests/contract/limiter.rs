//! The limiter within the process keeps the promises of its port.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chat_domain::limit::{Limits, Quota, RateLimiter};
use chat_domain::rate_limiter_contract;
use chat_domain::testing::rig::{LimiterRig, Task};
use chat_infra::in_process::InProcessLimiter;

use crate::decorator_doubles::beside;

/// One node, by the machine's own time.
struct InProcessLimiterRig {
    start: Instant,
    limiter: OnceLock<Arc<InProcessLimiter>>,
}

#[async_trait]
impl LimiterRig for InProcessLimiterRig {
    async fn start() -> Self {
        Self { start: Instant::now(), limiter: OnceLock::new() }
    }

    async fn node(&self, limits: Limits) -> Arc<dyn RateLimiter> {
        self.limiter.get_or_init(|| Arc::new(InProcessLimiter::new(limits))).clone()
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn overshoot(&self, _: Quota) -> u32 {
        0
    }

    fn spawn(&self, task: Task) -> Task {
        beside(task)
    }
}

rate_limiter_contract!(in_process, InProcessLimiterRig);
