//! Two caches as one.

use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::cache::Cache;

/// A cache nearby (in the process) in front of a far one (shared between nodes). Since a key never means two values,
/// the near one need not be told when another node writes.
///
/// Counts `chat_cache_reads_total` by `tier` (`near`, `far`) and `result` (`hit`, `miss`).
pub struct TieredCache {
    near: Arc<dyn Cache>,
    far: Arc<dyn Cache>,
}

impl TieredCache {
    /// Asks `near` first, and keeps there what it had to fetch from `far`.
    #[must_use]
    pub fn new(near: Arc<dyn Cache>, far: Arc<dyn Cache>) -> Self {
        Self { near, far }
    }
}

#[async_trait]
impl Cache for TieredCache {
    async fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        if let Some(value) = counted("near", self.near.get(key).await) {
            return Some(value);
        }
        let value = counted("far", self.far.get(key).await)?;
        self.near.put(key, Arc::clone(&value)).await;
        Some(value)
    }

    async fn put(&self, key: &str, value: Arc<[u8]>) {
        self.near.put(key, Arc::clone(&value)).await;
        self.far.put(key, value).await;
    }
}

fn counted<T>(tier: &'static str, value: Option<T>) -> Option<T> {
    let result = if value.is_some() { "hit" } else { "miss" };
    metrics::counter!("chat_cache_reads_total", "tier" => tier, "result" => result).increment(1);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::in_process::{InProcessCache, InProcessCacheConfig};

    fn cache() -> Arc<InProcessCache> {
        Arc::new(InProcessCache::new(&InProcessCacheConfig::default()))
    }

    #[tokio::test]
    async fn what_the_far_cache_had_is_near_the_next_time() {
        let (near, far) = (cache(), cache());
        let tiered = TieredCache::new(near.clone(), far.clone());
        far.put("k", Arc::from(*b"v")).await;
        assert_eq!(tiered.get("k").await.as_deref(), Some(&b"v"[..]));
        assert_eq!(near.get("k").await.as_deref(), Some(&b"v"[..]));
    }

    #[tokio::test]
    async fn what_is_put_is_in_both() {
        let (near, far) = (cache(), cache());
        TieredCache::new(near.clone(), far.clone()).put("k", Arc::from(*b"v")).await;
        assert!(near.get("k").await.is_some());
        assert!(far.get("k").await.is_some());
    }

    #[tokio::test]
    async fn without_the_far_cache_the_near_one_goes_on() {
        /// Forgets everything.
        struct Broken;

        #[async_trait]
        impl Cache for Broken {
            async fn get(&self, _: &str) -> Option<Arc<[u8]>> {
                None
            }

            async fn put(&self, _: &str, _: Arc<[u8]>) {}
        }

        let tiered = TieredCache::new(cache(), Arc::new(Broken));
        tiered.put("k", Arc::from(*b"v")).await;
        assert!(tiered.get("k").await.is_some());
        assert!(tiered.get("other").await.is_none());
    }
}
