//! What hangs on messages. Each change moves the message and its session on, under the session's lock.

pub(super) mod row;
pub(super) mod write;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::extension::{AddOutcome, Extension, ExtensionRepository, NewExtension};
use chat_domain::id::{ExtensionId, MessageId, TenantId};
use chat_domain::revision::Rev;
use chat_domain::timestamp::Timestamp;
use diesel::IntoSql as _;
use diesel::sql_types::{Array, Text, Uuid};

use self::row::{EXTENSION_COLUMNS, ExtensionColumns, ExtensionRow};
use super::error::Failure;
use super::lease::Lease;
use super::pool::PgPool;
use super::statement::Statement;
use crate::operation::{Observed, Operation};

/// The extensions of messages.
pub(super) struct PgExtensions(pub(super) Observed<PgPool>);

#[async_trait]
impl ExtensionRepository for PgExtensions {
    async fn add(&self, new: NewExtension) -> Result<AddOutcome, RepositoryError> {
        let new = &new;
        let work = |mut lease: Lease| async move {
            lease.begin().await?;
            let added = write::add(&mut lease, new).await;
            lease.end(added).await
        };
        self.0.run(Operation::ExtensionsAdd, |pool| pool.transact(Failure::is_passing, work)).await
    }

    async fn list(&self, tenant: &TenantId, messages: &[MessageId]) -> Result<Vec<Extension>, RepositoryError> {
        self.0.run(Operation::ExtensionsList.of(messages.len()), |pool| list(pool, tenant, messages)).await
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        message: MessageId,
        id: ExtensionId,
        at: Timestamp,
    ) -> Result<Option<Rev>, RepositoryError> {
        let work = |mut lease: Lease| async move {
            lease.begin().await?;
            let removed = write::remove(&mut lease, tenant, message, id, at).await;
            lease.end(removed).await
        };
        self.0.run(Operation::ExtensionsRemove, |pool| pool.transact(Failure::is_passing, work)).await
    }
}

async fn list(pool: &PgPool, tenant: &TenantId, messages: &[MessageId]) -> Result<Vec<Extension>, RepositoryError> {
    let ids: Vec<uuid::Uuid> = messages.iter().map(|id| id.as_uuid()).collect();
    let statement = || {
        let values = (tenant.as_str().into_sql::<Text>(), ids.as_slice().into_sql::<Array<Uuid>>());
        Statement::<ExtensionColumns, _>::new(list_sql(), values)
    };
    let rows: Vec<ExtensionRow> = pool.read("list extensions", statement).await?;
    rows.into_iter().map(ExtensionRow::into_extension).collect()
}

/// In the order of the messages' ids. Which messages are tombstones is looked at after they are found: an index that
/// leaves tombstones out might else seem as good as the one by id.
pub(super) fn list_sql() -> String {
    format!(
        "WITH m AS MATERIALIZED (\
             SELECT m.tenant_id, m.id, m.deleted_at FROM messages m WHERE m.tenant_id = $1 AND m.id = ANY ($2)\
         ) \
         SELECT {EXTENSION_COLUMNS} FROM m \
         JOIN message_extensions e ON e.tenant_id = m.tenant_id AND e.message_id = m.id \
         WHERE m.deleted_at IS NULL \
         ORDER BY e.message_id, e.created_at, e.id"
    )
}
