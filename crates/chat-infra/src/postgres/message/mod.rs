//! The messages.

pub(super) mod append;
pub(super) mod late_key;
pub(super) mod read;
pub(super) mod remove;
mod row;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, SessionId, TenantId};
use chat_domain::message::{
    AppendOutcome, Message, MessagePage, MessageRepository, NewMessage, PageQuery, Removal, RemoveOutcome,
};

use self::read::{MixedRow, assemble, by_ids, page};
use super::pool::PgPool;

/// The messages of all sessions.
pub(super) struct PgMessages(pub(super) PgPool);

#[async_trait]
impl MessageRepository for PgMessages {
    async fn append(&self, batch: Vec<NewMessage>) -> Result<Vec<AppendOutcome>, RepositoryError> {
        append::append(&self.0, &batch).await
    }

    async fn find(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError> {
        let rows: Vec<MixedRow> = self.0.read(|| by_ids(vec![tenant.as_str()], vec![id.as_uuid()])).await?;
        let (_, messages) = assemble(tenant, rows)?;
        Ok(messages.into_iter().next())
    }

    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<MessagePage>, RepositoryError> {
        let rows: Vec<MixedRow> = self.0.read(|| page(tenant, session, query)).await?;
        let (session, messages) = assemble(tenant, rows)?;
        Ok(session.map(|session| MessagePage::assemble(session, query, messages)))
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: MessageId,
        removal: Removal,
    ) -> Result<RemoveOutcome, RepositoryError> {
        remove::remove(&self.0, tenant, id, &removal).await
    }
}
