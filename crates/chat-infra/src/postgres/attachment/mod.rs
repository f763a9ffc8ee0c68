//! What is known of files.
//!
//! - `row`: the row of one. `keep`: from its reservation on. `sweep`: to its end. `send`: with a message.

mod keep;
mod row;
pub(super) mod send;
pub(super) mod sweep;

use async_trait::async_trait;
use chat_domain::attachment::{
    Attachment, AttachmentRepository, CommitOutcome, FileKey, NewAttachment, ReserveOutcome,
};
use chat_domain::error::RepositoryError;
use chat_domain::id::{AttachmentId, MessageId, TenantId};
use chat_domain::idempotency::Idempotency;
use chat_domain::timestamp::Timestamp;

use super::pool::PgPool;
use crate::operation::{Observed, Operation};

/// The attachments of all tenants.
pub(super) struct PgAttachments(pub(super) Observed<PgPool>);

#[async_trait]
impl AttachmentRepository for PgAttachments {
    async fn replay(&self, tenant: &TenantId, key: Idempotency) -> Result<Option<CommitOutcome>, RepositoryError> {
        self.0.run(Operation::AttachmentsReplay, |pool| keep::replay(pool, tenant, &key)).await
    }

    async fn reserve(&self, new: NewAttachment, quota: Option<u64>) -> Result<ReserveOutcome, RepositoryError> {
        self.0.run(Operation::AttachmentsReserve, |pool| keep::reserve(pool, &new, quota)).await
    }

    async fn commit(
        &self,
        tenant: &TenantId,
        id: AttachmentId,
        key: Option<Idempotency>,
    ) -> Result<CommitOutcome, RepositoryError> {
        self.0.run(Operation::AttachmentsCommit, |pool| keep::commit(pool, tenant, id, key.as_ref())).await
    }

    async fn find(&self, tenant: &TenantId, id: AttachmentId) -> Result<Option<Attachment>, RepositoryError> {
        self.0.run(Operation::AttachmentsFind, |pool| keep::find(pool, tenant, id)).await
    }

    async fn doom(&self, reserved: Timestamp, unsent: Timestamp) -> Result<Vec<FileKey>, RepositoryError> {
        self.0.run(Operation::AttachmentsDoom, |pool| sweep::doom(pool, reserved, unsent)).await
    }

    async fn doom_sent(&self, tenant: &TenantId, messages: &[MessageId]) -> Result<(), RepositoryError> {
        self.0.run(Operation::AttachmentsDoom, |pool| sweep::doom_sent(pool, tenant, messages)).await
    }

    async fn forget(&self, keys: &[FileKey]) -> Result<(), RepositoryError> {
        self.0.run(Operation::AttachmentsForget.of(keys.len()), |pool| sweep::forget(pool, keys)).await
    }

    async fn strays(&self, keys: Vec<FileKey>) -> Result<Vec<FileKey>, RepositoryError> {
        self.0.run(Operation::AttachmentsStrays.of(keys.len()), |pool| sweep::strays(pool, keys)).await
    }
}
