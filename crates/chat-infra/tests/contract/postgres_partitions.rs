//! The store on tables in partitions, as `deploy/postgresql/partitions.sql` makes them: whoever runs the service so is
//! promised the same. Above all that races on keys are told apart, which goes by the names of indexes.

use async_trait::async_trait;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::testing::rig::{Store, StoreRig, Task};
use chat_domain::{message_repository_contract, session_repository_contract};

use crate::postgres::PostgresRig;
use crate::postgres_server::Database;

message_repository_contract!(messages, PartitionedRig);
session_repository_contract!(sessions, PartitionedRig);

struct PartitionedRig(PostgresRig);

#[async_trait]
impl StoreRig for PartitionedRig {
    async fn start() -> Self {
        Self(PostgresRig::on(Database::partitioned().await))
    }

    async fn node(&self) -> Store {
        self.0.node().await
    }

    fn spawn(&self, task: Task) -> Task {
        self.0.spawn(task)
    }

    async fn damage_message(&self, tenant: &TenantId, id: MessageId) -> bool {
        self.0.damage_message(tenant, id).await
    }
}
