//! The extensions of messages.

mod read;
mod write;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::extension::{AddOutcome, Attached, DetachOutcome, Detachment, ExtensionRepository, NewExtension};
use chat_domain::id::{ExtensionId, MessageId, TenantId};

pub(super) use self::read::extensions_of;
use super::SqliteStore;
use super::store::Threads;
use crate::operation::{Observed, Operation};

/// The extensions of an SQLite store.
pub struct SqliteExtensions {
    threads: Observed<Threads>,
}

impl SqliteExtensions {
    /// The extensions of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { threads: store.observed.clone() }
    }
}

#[async_trait]
impl ExtensionRepository for SqliteExtensions {
    async fn add(&self, new: NewExtension) -> Result<AddOutcome, RepositoryError> {
        let add = move |connection: &mut _| write::add(connection, &new);
        self.threads.run(Operation::ExtensionsAdd, |to| to.writer.write(add)).await
    }

    async fn find(
        &self,
        tenant: &TenantId,
        message: MessageId,
        id: ExtensionId,
    ) -> Result<Option<Attached>, RepositoryError> {
        let tenant = tenant.clone();
        let find = move |connection: &mut _| read::find(connection, &tenant, message, id);
        self.threads.run(Operation::ExtensionsFind, |to| to.readers.read(find)).await
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        message: MessageId,
        detachment: Detachment,
    ) -> Result<DetachOutcome, RepositoryError> {
        let tenant = tenant.clone();
        let remove = move |connection: &mut _| write::remove(connection, &tenant, message, &detachment);
        self.threads.run(Operation::ExtensionsRemove, |to| to.writer.write(remove)).await
    }
}
