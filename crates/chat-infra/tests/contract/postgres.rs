//! PostgreSQL under the contract suites: each test has a database of its own, each node connections of its own.

use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::store_contract;
use chat_domain::testing::rig::{Store, StoreRig, Task};
use chat_infra::decorator::{CachedMessagesConfig, CachedUnread};

use crate::postgres_server::Database;

store_contract!(store, PostgresRig);

/// A database that goes with the test.
pub(crate) struct PostgresRig(Database);

impl PostgresRig {
    /// On a database that is there.
    pub(crate) fn on(database: Database) -> Self {
        Self(database)
    }
}

#[async_trait]
impl StoreRig for PostgresRig {
    async fn start() -> Self {
        Self(Database::migrated().await)
    }

    async fn node(&self) -> Store {
        let store = self.0.node().await;
        // As the service has them: of many sessions on a list it is known what is unread.
        let counts = Arc::new(CachedUnread::new(store.unread(), CachedMessagesConfig::default().near_ttl));
        Store {
            sessions: store.sessions_counted_by(counts),
            messages: store.messages(),
            pages: store.pages(),
            extensions: store.extensions(),
            idempotency: store.idempotency(),
            attachments: store.attachments(),
            audit: store.audit(),
            participants: store.participants(),
            unread: store.unread(),
            revisions: store.revisions(),
        }
    }

    fn spawn(&self, task: Task) -> Task {
        let running = tokio::spawn(task);
        Box::pin(async move { running.await.unwrap() })
    }

    async fn damage_message(&self, tenant: &TenantId, id: MessageId) -> bool {
        let damage = "UPDATE messages SET visibility = 'secret' WHERE tenant_id = $1 AND id::text = $2";
        let damaged = self.0.tool().await.execute(damage, &[&tenant.as_str(), &id.to_string()]).await;
        damaged.expect("the row can be written") == 1
    }
}
