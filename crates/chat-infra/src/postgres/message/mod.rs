//! The messages.

mod append;
pub(super) mod edit;
pub(super) mod history;
mod hot;
pub(super) mod judged;
pub(super) mod late_key;
pub(super) mod news;
pub(super) mod plain;
pub(super) mod plain_removal;
pub(super) mod read;
pub(super) mod refusing;
pub(super) mod remove;
pub(super) mod restore;
mod row;
mod sending;

use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, SessionId, TenantId};
use chat_domain::message::{
    AppendOutcome, Edit, EditOutcome, HistoryQuery, Message, MessageHistory, MessagePage, MessagePages,
    MessageRepository, NewMessage, PageQuery, Removal, RemoveOutcome, Restoration, RestoreOutcome,
};

pub(super) use self::hot::prepare;
use self::read::{BY_IDS, MixedRow, assemble, by_ids, page};
use super::pool::PgPool;
use crate::operation::{Observed, Operation};

/// The messages of all sessions.
pub(super) struct PgMessages(pub(super) Observed<PgPool>);

#[async_trait]
impl MessageRepository for PgMessages {
    async fn append(&self, batch: Vec<NewMessage>) -> Result<Vec<AppendOutcome>, RepositoryError> {
        self.0.run(Operation::MessagesAppend.of(batch.len()), |pool| append::append(pool, &batch)).await
    }

    async fn find(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError> {
        self.0.run(Operation::MessagesFind, |pool| find(pool, tenant, id)).await
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: MessageId,
        removal: Removal,
    ) -> Result<RemoveOutcome, RepositoryError> {
        self.0.run(Operation::MessagesRemove, |pool| remove::remove(pool, tenant, id, &removal)).await
    }

    async fn edit(&self, tenant: &TenantId, id: MessageId, edit: Edit) -> Result<EditOutcome, RepositoryError> {
        self.0.run(Operation::MessagesEdit, |pool| edit::edit(pool, tenant, id, &edit)).await
    }

    async fn restore(
        &self,
        tenant: &TenantId,
        id: MessageId,
        restoration: Restoration,
    ) -> Result<RestoreOutcome, RepositoryError> {
        self.0.run(Operation::MessagesRestore, |pool| restore::restore(pool, tenant, id, &restoration)).await
    }

    async fn history(
        &self,
        tenant: &TenantId,
        id: MessageId,
        query: &HistoryQuery,
    ) -> Result<Option<MessageHistory>, RepositoryError> {
        self.0.run(Operation::MessagesHistory, |pool| history::history(pool, tenant, id, query)).await
    }
}

#[async_trait]
impl MessagePages for PgMessages {
    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<Arc<MessagePage>>, RepositoryError> {
        self.0.run(Operation::MessagesPage, |pool| read_page(pool, tenant, session, query)).await
    }
}

async fn find(pool: &PgPool, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError> {
    let rows: Vec<MixedRow> = pool.read(BY_IDS, || by_ids(vec![tenant.as_str()], vec![id.as_uuid()])).await?;
    let (_, messages) = assemble(tenant, rows)?;
    Ok(messages.into_iter().next())
}

async fn read_page(
    pool: &PgPool,
    tenant: &TenantId,
    session: SessionId,
    query: &PageQuery,
) -> Result<Option<Arc<MessagePage>>, RepositoryError> {
    let rows: Vec<MixedRow> = pool.read("read page", || page(tenant.as_str(), session, query)).await?;
    let (session, messages) = assemble(tenant, rows)?;
    Ok(session.map(|session| Arc::new(MessagePage::assemble(session, query, messages))))
}
