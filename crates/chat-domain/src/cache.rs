//! The cache port: bytes under a key, that may be gone at any time.

use std::sync::Arc;

use async_trait::async_trait;

/// Keeps bytes for a while. A cache may forget whatever it likes and never fails: what is broken is a miss.
///
/// Keys hold the `rev` of what lies under them, so a value under a key never goes stale and need never be removed.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Cache: Send + Sync + 'static {
    /// What was last put under the key, or `None`: a miss, an expiry, a broken cache.
    async fn get(&self, key: &str) -> Option<Arc<[u8]>>;

    /// Keeps the value under the key for as long as the adapter pleases. What cannot be kept is dropped in silence.
    async fn put(&self, key: &str, value: Arc<[u8]>);
}
