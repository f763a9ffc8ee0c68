//! A Redis that is down, hangs or refuses is a miss, after a short while at most, and is used again when it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use chat_domain::cache::Cache;
use chat_domain::error::RepositoryError;
use chat_domain::health::Probe;
use chat_domain::testing::fake::{FakeCache, FakeStore};
use chat_infra::redis::{RedisCache, RedisConfig, RedisPool, RedisProbe};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::decorator_doubles::within;
use crate::decorator_staleness::{node, take_turns};
use crate::redis_server::{RedisServer, SOON, cache, free_port, unlike_others};

fn value() -> Arc<[u8]> {
    Arc::from(*b"v")
}

/// What a timer may be late by, in virtual time.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// A configuration as it comes, with its short time limit.
pub(crate) fn impatient(url: &str) -> RedisConfig {
    RedisConfig { connect_timeout: Duration::from_millis(200), ..RedisConfig::new(url) }
}

/// A configuration as it comes, but that Redis is looked at once when it fails and not again.
pub(crate) fn incurious(url: &str) -> RedisConfig {
    let never = Duration::from_hours(1);
    RedisConfig { pause: never, watch: never, ..impatient(url) }
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

/// A Redis that answers everything, each time after so long; counts how often the key was asked for.
async fn slow(delay: Duration, key: &'static str) -> (String, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let [asked, written] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let counts = [Arc::clone(&asked), Arc::clone(&written)];
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let [asked, written] = counts.clone();
            tokio::spawn(async move {
                let mut bytes = BytesMut::new();
                while connection.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                    let commands = String::from_utf8_lossy(&bytes.split()).into_owned();
                    let mut answers = String::new();
                    for command in commands.split_inclusive('*').skip(1) {
                        asked.fetch_add(usize::from(command.contains(key)), Ordering::SeqCst);
                        written.fetch_add(usize::from(command.contains("SET\r\n")), Ordering::SeqCst);
                        answers.push_str(if command.contains("GET\r\n") { "$-1\r\n" } else { "+OK\r\n" });
                    }
                    tokio::time::sleep(delay).await;
                    connection.write_all(answers.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (url, asked, written)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_is_always_late_is_not_asked_again_and_again() {
    let (url, asked, looked) = slow(Duration::from_millis(100), "late-key").await;
    let config = RedisConfig { pause: Duration::from_millis(10), ..RedisConfig::new(url) };
    let cache = cache(&config);
    let looks = async {
        // Each look writes once to open a connection, and then as often as it may be late.
        while looked.load(Ordering::SeqCst) < 20 {
            assert!(cache.get("late-key").await.is_none());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    within(looks).await;
    let asked = asked.load(Ordering::SeqCst);
    assert!(asked <= 2, "asked {asked} times");
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
    let cache = cache(&incurious(&url));
    for _ in 0..500 {
        is_a_miss(&cache).await;
    }
    let connections = connections.load(Ordering::SeqCst);
    assert!((1..=3).contains(&connections), "{connections}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_never_answers_is_asked_again_after_the_pause() {
    let (url, connections) = black_hole().await;
    let cache = cache(&RedisConfig { pause: SOON, ..impatient(&url) });
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
    let cache = cache(&RedisConfig { pause: SOON, ..unlike_others(&server.url()) });
    is_a_miss(&cache).await;
    for _ in 0..2 {
        server.start();
        recovered(&cache).await;
        server.stop();
        is_a_miss(&cache).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_loses_redis_misleads_nobody() {
    let (store, mut server) = (FakeStore::new().store(), RedisServer::stopped());
    server.start();
    let config = RedisConfig { pause: SOON, ..unlike_others(&server.url()) };
    let (url, _) = black_hole().await;
    let cut_off = cache(&incurious(&url));
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
    for (room, whole) in [(1, false), (0, true)] {
        server.room(room).await;
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
