//! The cache in Redis keeps the promises of its port.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::cache::Cache;
use chat_domain::health::Probe;
use chat_domain::testing::fake::FakeStore;
use chat_domain::testing::rig::{CacheRig, Task};
use chat_domain::{cache_contract, store_contract};
use chat_infra::redis::{RedisConfig, RedisPool, RedisProbe};
use deadpool_redis::redis;
use secrecy::ExposeSecret as _;

use crate::decorator::{Cached, Decorated, FakeRig};
use crate::decorator_doubles::{beside, within};
use crate::decorator_staleness::{node, take_turns};
use crate::redis_server::{cache, shared};

/// Nodes with connections of their own.
pub(crate) struct RedisCacheRig(RedisConfig);

#[async_trait]
impl CacheRig for RedisCacheRig {
    async fn start() -> Self {
        Self(shared())
    }

    async fn node(&self) -> Arc<dyn Cache> {
        Arc::new(cache(&self.0))
    }

    fn spawn(&self, task: Task) -> Task {
        beside(task)
    }
}

cache_contract!(alone, RedisCacheRig);
store_contract!(cached_over_fake, Decorated<FakeRig, Cached<RedisCacheRig>>);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_share_redis_show_each_others_writes() {
    let (store, config) = (FakeStore::new().store(), shared());
    let nodes = [node(&store, Arc::new(cache(&config))), node(&store, Arc::new(cache(&config)))];
    take_turns(&store, &nodes, 1_000).await;
}

#[tokio::test]
async fn deployments_with_different_prefixes_do_not_see_each_other() {
    let (one, other) = (cache(&shared()), cache(&shared()));
    within(one.put("k", Arc::from(*b"v"))).await;
    assert!(within(one.get("k")).await.is_some());
    assert!(within(other.get("k")).await.is_none());
}

#[tokio::test]
async fn a_value_is_kept_for_the_configured_time_only() {
    let config = RedisConfig { ttl: Duration::from_mins(1), ..shared() };
    within(cache(&config).put("k", Arc::from(*b"v"))).await;
    let client = redis::Client::open(config.url.expose_secret()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("{}:1:k", config.prefix);
    let left: i64 = redis::cmd("PTTL").arg(key).query_async(&mut connection).await.unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_redis_that_is_there_is_healthy() {
    let config = shared();
    assert!(within(RedisProbe::new(RedisPool::new(&config).unwrap(), &config).check()).await.is_ok());
}
