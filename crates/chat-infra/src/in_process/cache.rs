//! A cache in the memory of the process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::cache::Cache;
use moka::policy::EvictionPolicy;

/// How much an [`InProcessCache`] keeps, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InProcessCacheConfig {
    /// The most bytes of keys and values; 32 MiB. The bookkeeping comes on top.
    pub max_bytes: u64,
    /// How long a value is kept after it was put; 10 minutes.
    pub ttl: Duration,
}

impl Default for InProcessCacheConfig {
    fn default() -> Self {
        Self { max_bytes: 32 * 1024 * 1024, ttl: Duration::from_mins(10) }
    }
}

/// Keeps values in memory, bounded by their bytes; what was used least recently goes first.
#[derive(Clone)]
pub struct InProcessCache {
    entries: moka::future::Cache<String, Arc<[u8]>>,
}

impl InProcessCache {
    /// An empty cache.
    #[must_use]
    pub fn new(config: &InProcessCacheConfig) -> Self {
        let entries = moka::future::Cache::builder()
            .max_capacity(config.max_bytes)
            .time_to_live(config.ttl)
            .weigher(weight)
            // The default policy lets a key in only when it was asked for more often than those it would push out. A
            // key here holds a `rev`: the new ones were never asked for, and the popular ones will never be again.
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { entries }
    }
}

/// The bytes of an entry; one that is too large to be counted is too large to be kept.
#[expect(clippy::ptr_arg, reason = "the signature of a weigher names the key's own type")]
fn weight(key: &String, value: &Arc<[u8]>) -> u32 {
    u32::try_from(key.len().saturating_add(value.len())).unwrap_or(u32::MAX)
}

#[async_trait]
impl Cache for InProcessCache {
    async fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        self.entries.get(key).await
    }

    async fn put(&self, key: &str, value: Arc<[u8]>) {
        self.entries.insert(key.to_owned(), value).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded(max_bytes: u64) -> InProcessCache {
        InProcessCache::new(&InProcessCacheConfig { max_bytes, ..InProcessCacheConfig::default() })
    }

    fn bytes(len: usize) -> Arc<[u8]> {
        vec![7; len].into()
    }

    #[tokio::test]
    async fn keys_and_values_together_stay_below_the_bound() {
        let cache = bounded(10_000);
        for n in 0..1_000 {
            cache.put(&format!("{n:0100}"), bytes(100)).await;
        }
        cache.entries.run_pending_tasks().await;
        assert!(cache.entries.weighted_size() <= 10_000, "{}", cache.entries.weighted_size());
        assert!(cache.entries.entry_count() <= 50);
    }

    #[tokio::test]
    async fn a_new_key_pushes_out_the_one_that_was_used_least_recently() {
        let cache = bounded(1_000);
        for key in ["old", "new"] {
            cache.put(key, bytes(400)).await;
            for _ in 0..10 {
                cache.get("old").await;
            }
        }
        cache.get("new").await;
        cache.put("newest", bytes(400)).await;
        cache.entries.run_pending_tasks().await;
        assert!(cache.get("newest").await.is_some());
        assert!(cache.get("new").await.is_some());
        assert!(cache.get("old").await.is_none());
    }

    #[tokio::test]
    async fn a_value_above_the_bound_is_dropped_in_silence() {
        let cache = bounded(1_000);
        cache.put("small", bytes(10)).await;
        cache.put("large", bytes(2_000)).await;
        cache.entries.run_pending_tasks().await;
        assert!(cache.get("large").await.is_none());
        assert!(cache.get("small").await.is_some());
    }
}
