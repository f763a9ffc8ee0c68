//! The adapters within the process keep the promises of their ports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::cache::Cache;
use chat_domain::event::{EventPublisher, EventSubscriber};
use chat_domain::testing::rig::{CacheRig, EventRig, Task};
use chat_domain::{cache_contract, event_contract};
use chat_infra::in_process::{InProcessBus, InProcessBusConfig, InProcessCache, InProcessCacheConfig};

use crate::decorator_doubles::beside;

struct InProcessCacheRig(Arc<InProcessCache>);

#[async_trait]
impl CacheRig for InProcessCacheRig {
    async fn start() -> Self {
        Self(Arc::new(InProcessCache::new(&InProcessCacheConfig::default())))
    }

    async fn node(&self) -> Arc<dyn Cache> {
        self.0.clone()
    }

    fn spawn(&self, task: Task) -> Task {
        beside(task)
    }
}

struct InProcessBusRig(Arc<InProcessBus>);

#[async_trait]
impl EventRig for InProcessBusRig {
    async fn start() -> Self {
        Self(Arc::new(InProcessBus::new(&InProcessBusConfig::default())))
    }

    async fn node(&self) -> (Arc<dyn EventPublisher>, Arc<dyn EventSubscriber>) {
        (self.0.clone(), self.0.clone())
    }

    fn spawn(&self, task: Task) -> Task {
        beside(task)
    }

    async fn within<T: Send>(&self, wait: impl Future<Output = T> + Send) -> Option<T> {
        tokio::time::timeout(Duration::from_secs(5), wait).await.ok()
    }
}

cache_contract!(cache, InProcessCacheRig);
event_contract!(bus, InProcessBusRig);
