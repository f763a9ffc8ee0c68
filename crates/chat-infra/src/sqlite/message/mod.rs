//! The messages: append, find, page, remove. One file for each.

mod append;
mod page;
mod remove;
mod row;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, SessionId, TenantId};
use chat_domain::message::{
    AppendOutcome, Message, MessagePage, MessageRepository, NewMessage, PageQuery, Removal, RemoveOutcome,
};

use super::SqliteStore;
use super::reader::Readers;
use super::writer::Writer;

/// The messages of an SQLite store.
pub struct SqliteMessages {
    readers: Readers,
    writer: Writer,
}

impl SqliteMessages {
    /// The messages of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { readers: store.readers.clone(), writer: store.writer.clone() }
    }
}

#[async_trait]
impl MessageRepository for SqliteMessages {
    async fn append(&self, batch: Vec<NewMessage>) -> Result<Vec<AppendOutcome>, RepositoryError> {
        self.writer.write(move |connection| append::append(connection, &batch)).await
    }

    async fn find(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError> {
        let tenant = tenant.clone();
        self.readers.read(move |connection| row::find(connection, &tenant, id)).await
    }

    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<MessagePage>, RepositoryError> {
        let (tenant, query) = (tenant.clone(), *query);
        self.readers.read(move |connection| page::page(connection, &tenant, session, &query)).await
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: MessageId,
        removal: Removal,
    ) -> Result<RemoveOutcome, RepositoryError> {
        let tenant = tenant.clone();
        self.writer.write(move |connection| remove::remove(connection, &tenant, id, &removal)).await
    }
}
