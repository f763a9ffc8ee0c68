//! What a [`Cache`] that works promises.

use std::sync::Arc;

use super::stage::together;
use crate::cache::Cache;
use crate::testing::rig::CacheRig;

/// Runs the suite of a cache on a [`CacheRig`](crate::testing::rig::CacheRig):
/// `cache_contract!(redis, RedisCacheRig);`.
#[macro_export]
macro_rules! cache_contract {
    ($name:ident, $rig:ty) => {
        $crate::contract_suite!(
            $name,
            $rig as CacheRig,
            cache,
            [
                what_was_put_is_got,
                an_unknown_key_is_a_miss,
                keys_are_taken_to_the_letter,
                the_last_value_counts,
                any_bytes_come_back,
                large_values_come_back,
                many_at_once_get_what_belongs_to_their_keys,
            ]
        );
    };
}

async fn put(cache: &dyn Cache, key: &str, value: &[u8]) {
    cache.put(key, value.into()).await;
}

async fn get(cache: &dyn Cache, key: &str) -> Option<Vec<u8>> {
    cache.get(key).await.map(|value| value.to_vec())
}

/// A value is there once it was put, for both nodes.
pub async fn what_was_put_is_got<R: CacheRig>(rig: &R) {
    let (one, two) = (rig.node().await, rig.node().await);
    put(&*one, "k", b"value").await;
    for _ in 0..2 {
        assert_eq!(get(&*one, "k").await.as_deref(), Some(&b"value"[..]));
        assert_eq!(get(&*two, "k").await.as_deref(), Some(&b"value"[..]));
    }
}

/// What was never put is not there.
pub async fn an_unknown_key_is_a_miss<R: CacheRig>(rig: &R) {
    let cache = rig.node().await;
    assert_eq!(get(&*cache, "k").await, None);
    put(&*cache, "k", b"value").await;
    assert_eq!(get(&*cache, "l").await, None);
}

/// Keys that look alike are different ones.
pub async fn keys_are_taken_to_the_letter<R: CacheRig>(rig: &R) {
    let cache = rig.node().await;
    let keys = ["k", "K", "k ", " k", "k:", "k:1", "k:11", "ü", "k\n", "*", "{k}"];
    for key in keys {
        put(&*cache, key, key.as_bytes()).await;
    }
    for key in keys {
        assert_eq!(get(&*cache, key).await.as_deref(), Some(key.as_bytes()), "{key:?}");
    }
}

/// A second value under a key takes the place of the first one, whatever their sizes.
pub async fn the_last_value_counts<R: CacheRig>(rig: &R) {
    let cache = rig.node().await;
    for value in ["first", "a longer second", "3"] {
        put(&*cache, "k", value.as_bytes()).await;
        assert_eq!(get(&*cache, "k").await.as_deref(), Some(value.as_bytes()));
    }
}

/// A value is bytes, not text, and may be none at all.
pub async fn any_bytes_come_back<R: CacheRig>(rig: &R) {
    let cache = rig.node().await;
    let all: Vec<u8> = (0..=255).collect();
    put(&*cache, "all", &all).await;
    put(&*cache, "none", b"").await;
    assert_eq!(get(&*cache, "all").await, Some(all));
    assert_eq!(get(&*cache, "none").await, Some(Vec::new()));
}

/// A page of a thousand messages is some hundred kilobytes.
pub async fn large_values_come_back<R: CacheRig>(rig: &R) {
    let cache = rig.node().await;
    let large: Vec<u8> = (0..512 * 1024_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    put(&*cache, "k", &large).await;
    assert!(get(&*cache, "k").await == Some(large), "a large value came back changed or not at all");
}

/// Whoever asks at once with others gets the value of its own key.
pub async fn many_at_once_get_what_belongs_to_their_keys<R: CacheRig>(rig: &R) {
    let nodes = [rig.node().await, rig.node().await];
    let tasks = (0..50).map(|task| {
        let cache = Arc::clone(&nodes[task % 2]);
        async move {
            for turn in 0..10 {
                let (key, value) = (format!("{task}:{turn}"), format!("value of {task}:{turn}"));
                put(&*cache, &key, value.as_bytes()).await;
                assert_eq!(get(&*cache, &key).await.as_deref(), Some(value.as_bytes()));
            }
        }
    });
    together(|task| rig.spawn(task), tasks).await;
}
