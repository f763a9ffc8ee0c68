//! A Redis that is full answers reads and refuses writes: it is used for what it is good for, and said to be short of
//! something until it takes values again.

use std::sync::Arc;
use std::time::Duration;

use chat_domain::cache::Cache;
use chat_domain::health::Probe as _;
use chat_infra::redis::{RedisCache, RedisConfig, RedisPool, RedisProbe};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::decorator_doubles::within;
use crate::redis_server::{RedisServer, SOON, cache, unlike_others};

const NEVER: Duration = Duration::from_hours(1);

fn value() -> Arc<[u8]> {
    Arc::from(*b"v")
}

/// A cache on a Redis of its own, with its figures, once it has kept a value.
async fn filled(pause: Duration, watch: Duration) -> (RedisServer, RedisCache, PrometheusHandle) {
    let mut server = RedisServer::stopped();
    server.start();
    let recorder = PrometheusBuilder::new().build_recorder();
    let config = RedisConfig { pause, watch, ..unlike_others(&server.url()) };
    let probe = RedisProbe::new(RedisPool::new(&config).unwrap(), &config);
    within(async { while probe.check().await.is_err() {} }).await;
    let cache = metrics::with_local_recorder(&recorder, || cache(&config));
    cache.put("kept", value()).await;
    assert!(cache.get("kept").await.is_some());
    (server, cache, recorder.handle())
}

fn figure(page: &PrometheusHandle, name: &str) -> f64 {
    let page = page.render();
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.expect("it is there from the start").parse().unwrap()
}

async fn is_said_to_be_available(page: &PrometheusHandle, available: f64) {
    let so = async {
        while (figure(page, "chat_redis_available") - available).abs() > 0.1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    within(so).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_redis_is_read_and_not_written_and_back_by_itself_when_it_has_room() {
    let (server, cache, page) = filled(SOON, NEVER).await;
    is_said_to_be_available(&page, 1.0).await;
    for round in 0..2 {
        server.room(1).await;
        cache.put("refused", value()).await;
        is_said_to_be_available(&page, 0.0).await;
        for _ in 0..500 {
            assert!(cache.get("kept").await.is_some(), "round {round}: what it has is used");
        }
        assert!(figure(&page, "chat_redis_available") < 0.1, "round {round}: reads that go well do not hide it");
        server.room(0).await;
        // Nobody asks meanwhile.
        is_said_to_be_available(&page, 1.0).await;
        cache.put("taken", value()).await;
        assert!(cache.get("taken").await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_fills_and_goes_while_nobody_asks_is_noticed() {
    let (mut server, cache, page) = filled(SOON, SOON).await;
    for _ in 0..2 {
        server.room(1).await;
        is_said_to_be_available(&page, 0.0).await;
        server.room(0).await;
        is_said_to_be_available(&page, 1.0).await;
        server.stop();
        is_said_to_be_available(&page, 0.0).await;
        server.start();
        is_said_to_be_available(&page, 1.0).await;
    }
    drop(cache);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_redis_is_not_offered_values_again_and_again() {
    let (server, cache, page) = filled(NEVER, NEVER).await;
    server.room(1).await;
    cache.put("refused", value()).await;
    is_said_to_be_available(&page, 0.0).await;
    let failed = figure(&page, "chat_redis_calls_total{call=\"put\",result=\"failed\"}");
    for _ in 0..500 {
        cache.put("refused", value()).await;
        assert!(cache.get("kept").await.is_some());
    }
    assert!((figure(&page, "chat_redis_calls_total{call=\"put\",result=\"failed\"}") - failed).abs() < 0.1);
    assert!(figure(&page, "chat_redis_calls_total{call=\"put\",result=\"skipped\"}") >= 500.0);
}
