//! What a Redis that fails costs those who ask the service: counted in time that is only said to pass.

use std::sync::Arc;
use std::time::Duration;

use chat_domain::access::{Caller, Role, View};
use chat_domain::limit::{Decision, Limits, Quota, Quotas, RateLimiter, Taking, Work};
use chat_domain::message::PageQuery;
use chat_domain::session::Session;
use chat_domain::testing::builder::{participant, tenant};
use chat_domain::testing::fake::FakeStore;
use chat_domain::testing::rig::Store;
use chat_infra::redis::{RedisConfig, RedisLimiter};
use tokio::time::Instant;

use crate::decorator_doubles::stored_session;
use crate::decorator_staleness::node;
use crate::redis_limiter::limiter;
use crate::redis_outage::{TICK, black_hole, nobody_there};
use crate::redis_server::cache;

/// What is promised of a request that meets the fault.
const PROMISED: Duration = Duration::from_millis(100);
/// What is left of it for the machine, which here takes no time.
const SLACK: Duration = Duration::from_millis(15);

/// All of a node that asks Redis on the way of a request: the limits of its caller, and its page.
struct Node {
    limiter: RedisLimiter,
    store: Store,
    session: Session,
}

impl Node {
    async fn on(config: &RedisConfig) -> Self {
        let quota = |burst: u32| Quota::new(burst.try_into().unwrap(), 1.try_into().unwrap());
        let caller = Quotas { requests: Some(quota(100)), messages: None };
        let tenant = Quotas { requests: Some(quota(2_000)), messages: None };
        let store = FakeStore::new().store();
        let session = stored_session(&*store.sessions).await;
        let store = node(&store, Arc::new(cache(config)));
        Self { limiter: limiter(config, Limits { caller, tenant }), store, session }
    }

    /// A request that finds no page nearby: nobody has asked for just this one. What it takes, and whether it has waited
    /// for its limits.
    async fn request(&self, number: usize) -> (Duration, bool) {
        let start = Instant::now();
        let caller = Caller::new(tenant("t"), participant(&format!("u-{}", number % 10)), Role::User);
        let taking = self.limiter.take(&caller, Work::Request);
        let waited = matches!(taking, Taking::Waiting(_));
        assert!(matches!(taking.decision().await, Decision::Allowed(_)));
        let query = PageQuery::newest(View::Full, u16::try_from(number).unwrap() + 1);
        let page = self.store.pages.page(&self.session.tenant_id, self.session.id, &query).await;
        assert!(page.unwrap().is_some());
        (start.elapsed(), waited)
    }
}

/// Redis as it comes, where nobody answers.
async fn stalled() -> RedisConfig {
    RedisConfig::new(black_hole().await.0)
}

#[tokio::test(start_paused = true)]
async fn each_of_many_requests_at_the_moment_of_the_strike_is_held_up_within_the_promise() {
    for config in [stalled().await, nobody_there()] {
        let node = Node::on(&config).await;
        let requests = futures_util::future::join_all((0..500).map(|number| node.request(number))).await;
        let worst = requests.iter().map(|(took, _)| *took).max().unwrap();
        assert!(worst <= 2 * (config.timeout + TICK), "{worst:?}");
        assert!(worst + SLACK <= PROMISED, "{worst:?}");
        assert!(requests.iter().any(|(_, waited)| *waited), "somebody had to wait for limits");
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_strike_no_request_waits_for_a_redis_that_stalls() {
    let config = stalled().await;
    let node = Node::on(&config).await;
    let mut lost = Duration::ZERO;
    for number in 0..900 {
        lost += node.request(number).await.0;
        // Looks at Redis go on meanwhile.
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    assert!(lost <= 2 * (config.timeout + TICK), "one after the other have lost {lost:?} together");
}
