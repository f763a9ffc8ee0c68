//! The messages: append, changes, edit, find, history, page, remove, restore. One file for each.

mod append;
pub(super) mod changes;
mod edit;
mod history;
mod page;
mod remove;
mod restore;
mod row;

use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, SessionId, TenantId};
use chat_domain::message::{
    AppendOutcome, Edit, EditOutcome, HistoryQuery, Message, MessageHistory, MessagePage, MessagePages,
    MessageRepository, NewMessage, PageQuery, Removal, RemoveOutcome, Restoration, RestoreOutcome,
};

pub(super) use self::row::find;
use super::SqliteStore;
use super::store::Threads;
use crate::operation::{Observed, Operation};

/// The messages of an SQLite store.
pub struct SqliteMessages {
    threads: Observed<Threads>,
}

impl SqliteMessages {
    /// The messages of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { threads: store.observed.clone() }
    }
}

#[async_trait]
impl MessageRepository for SqliteMessages {
    async fn append(&self, batch: Vec<NewMessage>) -> Result<Vec<AppendOutcome>, RepositoryError> {
        let call = Operation::MessagesAppend.of(batch.len());
        let append = move |connection: &mut _| append::append(connection, &batch);
        self.threads.run(call, |to| to.writer.write(append)).await
    }

    async fn find(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError> {
        let tenant = tenant.clone();
        let find = move |connection: &mut _| row::find(connection, &tenant, id);
        self.threads.run(Operation::MessagesFind, |to| to.readers.read(find)).await
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: MessageId,
        removal: Removal,
    ) -> Result<RemoveOutcome, RepositoryError> {
        let tenant = tenant.clone();
        let remove = move |connection: &mut _| remove::remove(connection, &tenant, id, &removal);
        self.threads.run(Operation::MessagesRemove, |to| to.writer.write(remove)).await
    }

    async fn edit(&self, tenant: &TenantId, id: MessageId, edit: Edit) -> Result<EditOutcome, RepositoryError> {
        let tenant = tenant.clone();
        let edit = move |connection: &mut _| edit::edit(connection, &tenant, id, &edit);
        self.threads.run(Operation::MessagesEdit, |to| to.writer.write(edit)).await
    }

    async fn restore(
        &self,
        tenant: &TenantId,
        id: MessageId,
        restoration: Restoration,
    ) -> Result<RestoreOutcome, RepositoryError> {
        let tenant = tenant.clone();
        let restore = move |connection: &mut _| restore::restore(connection, &tenant, id, &restoration);
        self.threads.run(Operation::MessagesRestore, |to| to.writer.write(restore)).await
    }

    async fn history(
        &self,
        tenant: &TenantId,
        id: MessageId,
        query: &HistoryQuery,
    ) -> Result<Option<MessageHistory>, RepositoryError> {
        let (tenant, query) = (tenant.clone(), *query);
        let history = move |connection: &mut _| history::history(connection, &tenant, id, &query);
        self.threads.run(Operation::MessagesHistory, |to| to.readers.read(history)).await
    }
}

#[async_trait]
impl MessagePages for SqliteMessages {
    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<Arc<MessagePage>>, RepositoryError> {
        let (tenant, query) = (tenant.clone(), *query);
        let page = move |connection: &mut _| page::page(connection, &tenant, session, &query);
        let page = self.threads.run(Operation::MessagesPage, |to| to.readers.read(page)).await?;
        Ok(page.map(Arc::new))
    }
}
