//! A cache that forgets nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::cache::Cache;

/// A cache that forgets nothing. A clone is a handle on the same cache.
#[derive(Debug, Clone, Default)]
pub struct FakeCache(Arc<Mutex<HashMap<String, Arc<[u8]>>>>);

impl FakeCache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Cache for FakeCache {
    async fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    async fn put(&self, key: &str, value: Arc<[u8]>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), value);
    }
}
