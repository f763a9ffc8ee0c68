//! The adapters within the process keep the promises of their ports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::event::{EventPublisher, EventSubscriber};
use chat_domain::event_contract;
use chat_domain::testing::rig::{EventRig, Task};
use chat_infra::in_process::{InProcessBus, InProcessBusConfig};

use crate::decorator_doubles::beside;

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

event_contract!(bus, InProcessBusRig);
