//! What is known of files.
//!
//! - `row`: the row of one. `keep`: from its reservation on. `sweep`: to its end. `send`: with a message.

mod keep;
mod row;
pub(super) mod send;
mod sweep;

use async_trait::async_trait;
use chat_domain::attachment::{
    Attachment, AttachmentRepository, CommitOutcome, FileKey, NewAttachment, ReserveOutcome,
};
use chat_domain::error::RepositoryError;
use chat_domain::id::{AttachmentId, MessageId, TenantId};
use chat_domain::idempotency::Idempotency;
use chat_domain::timestamp::Timestamp;

use super::SqliteStore;
use super::store::Threads;
use crate::operation::{Observed, Operation};

/// How far a row has come.
const RESERVED: &str = "reserved";
const STORED: &str = "stored";
const DOOMED: &str = "doomed";

/// The attachments of an SQLite store.
pub struct SqliteAttachments {
    threads: Observed<Threads>,
}

impl SqliteAttachments {
    /// The attachments of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { threads: store.observed.clone() }
    }
}

#[async_trait]
impl AttachmentRepository for SqliteAttachments {
    async fn replay(&self, tenant: &TenantId, key: Idempotency) -> Result<Option<CommitOutcome>, RepositoryError> {
        let tenant = tenant.clone();
        let replay = move |connection: &mut _| keep::replay(connection, &tenant, &key);
        self.threads.run(Operation::AttachmentsReplay, |to| to.readers.read(replay)).await
    }

    async fn reserve(&self, new: NewAttachment, quota: Option<u64>) -> Result<ReserveOutcome, RepositoryError> {
        let reserve = move |connection: &mut _| keep::reserve(connection, &new, quota);
        self.threads.run(Operation::AttachmentsReserve, |to| to.writer.write(reserve)).await
    }

    async fn commit(
        &self,
        tenant: &TenantId,
        id: AttachmentId,
        key: Option<Idempotency>,
    ) -> Result<CommitOutcome, RepositoryError> {
        let tenant = tenant.clone();
        let commit = move |connection: &mut _| keep::commit(connection, &tenant, id, key.as_ref());
        self.threads.run(Operation::AttachmentsCommit, |to| to.writer.write(commit)).await
    }

    async fn find(&self, tenant: &TenantId, id: AttachmentId) -> Result<Option<Attachment>, RepositoryError> {
        let tenant = tenant.clone();
        let find = move |connection: &mut _| keep::find(connection, &tenant, id);
        self.threads.run(Operation::AttachmentsFind, |to| to.readers.read(find)).await
    }

    async fn doom(&self, reserved: Timestamp, unsent: Timestamp) -> Result<Vec<FileKey>, RepositoryError> {
        let doom = move |connection: &mut _| sweep::doom(connection, reserved, unsent);
        self.threads.run(Operation::AttachmentsDoom, |to| to.writer.write(doom)).await
    }

    async fn doom_sent(&self, tenant: &TenantId, messages: &[MessageId]) -> Result<(), RepositoryError> {
        let (tenant, messages) = (tenant.clone(), messages.to_vec());
        let doom = move |connection: &mut _| sweep::doom_sent(connection, &tenant, &messages);
        self.threads.run(Operation::AttachmentsDoom, |to| to.writer.write(doom)).await
    }

    async fn forget(&self, keys: &[FileKey]) -> Result<(), RepositoryError> {
        let (call, keys) = (Operation::AttachmentsForget.of(keys.len()), keys.to_vec());
        let forget = move |connection: &mut _| sweep::forget(connection, &keys);
        self.threads.run(call, |to| to.writer.write(forget)).await
    }

    async fn strays(&self, keys: Vec<FileKey>) -> Result<Vec<FileKey>, RepositoryError> {
        let call = Operation::AttachmentsStrays.of(keys.len());
        let strays = move |connection: &mut _| sweep::strays(connection, &keys);
        self.threads.run(call, |to| to.readers.read(strays)).await
    }
}
