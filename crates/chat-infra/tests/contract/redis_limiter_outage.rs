//! Limits hold, and nobody waits for long or is refused for no reason, whatever becomes of Redis.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chat_domain::access::{Caller, Role};
use chat_domain::limit::{Decision, Limits, Quota, Quotas, RateLimiter, Taking, Work};
use chat_domain::testing::builder::{participant, tenant};
use chat_infra::redis::{RedisConfig, RedisLimiter};

use crate::decorator_doubles::within;
use crate::redis_limiter::limiter;
use crate::redis_outage::{TICK, black_hole, impatient, incurious, nobody_there};
use crate::redis_server::{RedisServer, SOON, unlike_others};

fn quota(burst: u32) -> Quota {
    Quota::new(burst.try_into().unwrap(), 1.try_into().unwrap())
}

fn limits(burst: u32) -> Limits {
    let requests = Quotas { requests: Some(quota(burst)), messages: None };
    Limits { caller: requests, tenant: Quotas::default() }
}

fn named(name: &str) -> Caller {
    Caller::new(tenant("t"), participant(name), Role::User)
}

/// What is left of the caller's quota after one more request; `None` where there was nothing.
async fn left(limiter: &RedisLimiter, caller: &Caller) -> Option<u32> {
    match within(limiter.take(caller, Work::Request).decision()).await {
        Decision::Allowed(standings) => standings.requests.map(|standing| standing.left),
        Decision::Refused(_) => None,
    }
}

async fn drain(limiter: &RedisLimiter, caller: &Caller) -> u32 {
    let mut taken = 0;
    while left(limiter, caller).await.is_some() {
        taken += 1;
    }
    taken
}

/// A whole burst goes through, and no more than came back meanwhile.
async fn keeps_to_the_limit(limiter: &RedisLimiter, caller: &Caller, burst: u32) {
    let start = Instant::now();
    let taken = drain(limiter, caller).await;
    let most = burst + u32::try_from(start.elapsed().as_secs()).unwrap();
    assert!((burst..=most).contains(&taken), "{taken} of {burst}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_whose_redis_never_answers_keeps_to_the_limits_by_itself() {
    let (url, connections) = black_hole().await;
    let limiter = limiter(&incurious(&url), limits(100));
    for n in 0..50 {
        keeps_to_the_limit(&limiter, &named(&n.to_string()), 100).await;
    }
    let connections = connections.load(Ordering::SeqCst);
    assert!((1..=4).contains(&connections), "it is soon left alone: {connections}");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_redis_that_never_answers_waits_for_one_call_at_the_most() {
    let (url, _) = black_hole().await;
    let config = impatient(&url);
    let limiter = limiter(&config, limits(100));
    let mut waited = 0;
    for n in 0..200 {
        let start = tokio::time::Instant::now();
        let taking = limiter.take(&named(&(n % 20).to_string()), Work::Request);
        waited += u32::from(matches!(taking, Taking::Waiting(_)));
        assert!(matches!(taking.decision().await, Decision::Allowed(_)));
        assert!(start.elapsed() <= config.timeout + TICK, "{:?}", start.elapsed());
    }
    assert!(waited > 0, "somebody had to wait");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_without_redis_keeps_to_the_limits_by_itself() {
    let limiter = limiter(&nobody_there(), limits(100));
    for n in 0..50 {
        keeps_to_the_limit(&limiter, &named(&n.to_string()), 100).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_lose_redis_go_on_from_what_they_knew_and_share_again_when_it_is_back() {
    let mut server = RedisServer::stopped();
    server.start();
    let config = RedisConfig { pause: SOON, ..unlike_others(&server.url()) };
    let nodes = [limiter(&config, limits(BURST)), limiter(&config, limits(BURST))];
    let known = share(&nodes, "before").await;
    server.stop();
    for node in &nodes {
        let left = left(node, &known).await.expect("far from used up");
        assert!(left < BURST - USED, "{left}");
    }
    assert!(left(&nodes[0], &named("new")).await.is_some());
    server.start();
    share(&nodes, "after").await;
}

const BURST: u32 = 10_000;
/// More than nodes hold ahead of need.
const USED: u32 = 3_000;

/// Waits until one node knows what a caller used on the other; the caller.
async fn share(nodes: &[RedisLimiter; 2], when: &str) -> Caller {
    let [one, other] = nodes;
    let (ahead, mut n) = (RedisLimiter::overshoot(quota(BURST)), 0);
    let shared = async {
        loop {
            n += 1;
            let caller = named(&format!("{when}-{n}"));
            for _ in 0..USED + ahead {
                left(one, &caller).await;
            }
            // Enough to make it ask.
            for _ in 0..ahead {
                left(other, &caller).await;
            }
            if left(other, &caller).await.expect("far from used up") < BURST - USED {
                return caller;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(shared).await
}
