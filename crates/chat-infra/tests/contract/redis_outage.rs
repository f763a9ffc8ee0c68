//! A Redis that is down, hangs or refuses is a miss, after a short while at most, and is used again when it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chat_domain::cache::Cache;
use chat_domain::error::RepositoryError;
use chat_domain::health::Probe;
use chat_domain::testing::fake::{FakeCache, FakeStore};
use chat_infra::redis::{BreakerConfig, RedisCache, RedisConfig, RedisPool, RedisProbe};
use deadpool_redis::redis;
use futures_util::poll;
use tokio::net::TcpListener;

use crate::decorator_doubles::within;
use crate::decorator_staleness::{node, take_turns};
use crate::redis_server::{RedisServer, cache, eager, free_port, unlike_others};

fn value() -> Arc<[u8]> {
    Arc::from(*b"v")
}

/// A configuration as it comes, with its short time limit.
pub(crate) fn impatient(url: &str) -> RedisConfig {
    RedisConfig { connect_timeout: Duration::from_millis(200), ..RedisConfig::new(url) }
}

/// A Redis that is not there.
pub(crate) fn nobody_there() -> RedisConfig {
    impatient(&format!("redis://127.0.0.1:{}", free_port()))
}

/// Takes connections and never says a word; counts them.
pub(crate) async fn black_hole() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            held.push(connection);
        }
    });
    (url, taken)
}

/// Puts and gets until the value comes back.
async fn recovered(cache: &RedisCache) {
    let back = async {
        loop {
            cache.put("k", value()).await;
            if cache.get("k").await.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(back).await;
}

async fn is_a_miss(cache: &RedisCache) {
    within(cache.put("k", value())).await;
    assert!(within(cache.get("k")).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_never_answers_is_a_miss_and_soon_not_asked_any_more() {
    let (url, connections) = black_hole().await;
    let breaker = BreakerConfig { failures: 3, pause: Duration::from_hours(1) };
    let cache = cache(&RedisConfig { breaker, ..impatient(&url) });
    for _ in 0..500 {
        is_a_miss(&cache).await;
    }
    let connections = connections.load(Ordering::SeqCst);
    assert!((1..=3).contains(&connections), "{connections}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_never_answers_is_asked_again_after_the_pause() {
    let (url, connections) = black_hole().await;
    let cache = cache(&RedisConfig { breaker: eager(), ..impatient(&url) });
    let asked = async {
        while connections.load(Ordering::SeqCst) < 5 {
            is_a_miss(&cache).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(asked).await;
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_a_miss() {
    let cache = cache(&nobody_there());
    for _ in 0..100 {
        is_a_miss(&cache).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_comes_late_goes_away_and_comes_back_is_used() {
    let mut server = RedisServer::stopped();
    let cache = cache(&RedisConfig { breaker: eager(), ..unlike_others(&server.url()) });
    is_a_miss(&cache).await;
    for _ in 0..2 {
        server.start();
        recovered(&cache).await;
        server.stop();
        is_a_miss(&cache).await;
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_while_redis_is_tried_leaves_the_next_one_to_try() {
    let mut server = RedisServer::stopped();
    let breaker = BreakerConfig { failures: 1, pause: Duration::ZERO };
    let cache = cache(&RedisConfig { breaker, ..unlike_others(&server.url()) });
    is_a_miss(&cache).await;
    let mut probe = cache.get("k");
    assert!(poll!(&mut probe).is_pending(), "Redis is tried again");
    drop(probe);
    server.start();
    recovered(&cache).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_loses_redis_misleads_nobody() {
    let (store, mut server) = (FakeStore::new().store(), RedisServer::stopped());
    server.start();
    let config = RedisConfig { breaker: eager(), ..unlike_others(&server.url()) };
    let (url, _) = black_hole().await;
    let lasting = BreakerConfig { failures: 3, pause: Duration::from_hours(1) };
    let cut_off = cache(&RedisConfig { breaker: lasting, ..impatient(&url) });
    let connected = || node(&store, Arc::new(cache(&config)));
    let nodes = [connected(), connected(), node(&store, Arc::new(cut_off)), node(&store, Arc::new(FakeCache::new()))];
    take_turns(&store, &nodes, 300).await;
    server.stop();
    take_turns(&store, &nodes, 300).await;
    server.start();
    take_turns(&store, &nodes, 300).await;
}

#[tokio::test]
async fn a_probe_finds_a_redis_that_is_full_until_it_takes_something_again() {
    let mut server = RedisServer::stopped();
    server.start();
    let config = unlike_others(&server.url());
    let probe = RedisProbe::new(RedisPool::new(&config).unwrap(), &config);
    let settled = async |whole: bool| while probe.check().await.is_ok() != whole {};
    within(settled(true)).await;
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for (room, whole) in [(1, false), (0, true)] {
        let mut command = redis::cmd("CONFIG");
        let () = command.arg("SET").arg("maxmemory").arg(room).query_async(&mut connection).await.unwrap();
        assert_eq!(within(probe.check()).await.is_ok(), whole, "maxmemory {room}");
    }
}

#[tokio::test]
async fn a_probe_says_that_redis_is_not_there_without_showing_the_password() {
    let (hole, _) = black_hole().await;
    let refused = format!("redis://ann:s3cret@127.0.0.1:{}", free_port());
    for url in [refused, hole.replace("redis://", "redis://ann:s3cret@")] {
        let config = impatient(&url);
        let probe = RedisProbe::new(RedisPool::new(&config).unwrap(), &config);
        let error = within(probe.check()).await.unwrap_err();
        assert!(matches!(error, RepositoryError::Unavailable(_)), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("s3cret"), "{error:?}");
    }
}
