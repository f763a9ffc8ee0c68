//! What the domain needs of a store of attachments, and of the place where their files lie.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;

use super::model::{Attachment, FileKey};
use super::name::FileName;
use crate::access::Role;
use crate::error::RepositoryError;
use crate::id::{AttachmentId, MessageId, ParticipantId, SessionId, TenantId};
use crate::idempotency::{Digest, Idempotency};
use crate::timestamp::Timestamp;

/// Stores what is known of attachments. A row is there before its file, and goes after it.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AttachmentRepository: Send + Sync + 'static {
    /// What an earlier use of the key led to: [`CommitOutcome::Replayed`] or [`CommitOutcome::KeyReused`].
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn replay(&self, tenant: &TenantId, key: Idempotency) -> Result<Option<CommitOutcome>, RepositoryError>;

    /// Makes the row of a file that is about to be kept, and counts it for its tenant, where all of the tenant's come to no
    /// more than the quota with it. Nobody finds it before it is committed. Of several at once no more get through than
    /// there is room for.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn reserve(&self, new: NewAttachment, quota: Option<u64>) -> Result<ReserveOutcome, RepositoryError>;

    /// Makes a reserved attachment one that is found, and binds the key to it, in one step.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn commit(
        &self,
        tenant: &TenantId,
        id: AttachmentId,
        key: Option<Idempotency>,
    ) -> Result<CommitOutcome, RepositoryError>;

    /// The attachment, once it was committed and until it is doomed.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn find(&self, tenant: &TenantId, id: AttachmentId) -> Result<Option<Attachment>, RepositoryError>;

    /// Dooms what was reserved before the first time and not committed, and what was uploaded before the second and not
    /// sent: from now on it is neither found nor sent. Gives some hundred of all that are doomed, in all tenants, and the
    /// same again until they are forgotten.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn doom(&self, reserved: Timestamp, unsent: Timestamp) -> Result<Vec<FileKey>, RepositoryError>;

    /// Dooms all that was sent with these messages, which are erased. The messages may be gone already.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn doom_sent(&self, tenant: &TenantId, messages: &[MessageId]) -> Result<(), RepositoryError>;

    /// Drops the rows of attachments that were reserved or doomed and whose files are gone, and counts them no more. Others
    /// stay as they are.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn forget(&self, keys: &[FileKey]) -> Result<(), RepositoryError>;

    /// Those of these files that have no row, in any state.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn strays(&self, keys: Vec<FileKey>) -> Result<Vec<FileKey>, RepositoryError>;
}

/// An attachment to be reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its new id.
    pub id: AttachmentId,
    /// Where it was uploaded to.
    pub session_id: SessionId,
    /// Who uploaded it.
    pub uploaded_by: ParticipantId,
    /// In which role.
    pub uploader_role: Role,
    /// What it is called.
    pub filename: FileName,
    /// What it is.
    pub content_type: String,
    /// How long it is, in bytes.
    pub size: u64,
    /// The digest of all its bytes.
    pub sha256: Digest,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

impl NewAttachment {
    /// The attachment that a store makes of it.
    #[must_use]
    pub fn to_attachment(&self) -> Attachment {
        Attachment {
            id: self.id,
            session_id: self.session_id,
            message_id: None,
            uploaded_by: self.uploaded_by.clone(),
            uploader_role: self.uploader_role,
            filename: self.filename.clone(),
            content_type: self.content_type.clone(),
            size: self.size,
            sha256: self.sha256,
            created_at: self.created_at,
        }
    }

    /// Where its file lies.
    #[must_use]
    pub fn key(&self) -> FileKey {
        FileKey { tenant_id: self.tenant_id.clone(), id: self.id }
    }
}

/// What became of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// The row is there, and counts.
    Reserved,
    /// The tenant's files would come to more than the quota.
    QuotaExceeded,
}

/// What became of an attachment that was to be found from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It is found.
    Stored(Attachment),
    /// The key had been used for the same command; this is what that made, as it is now.
    Replayed(Attachment),
    /// The key had been used for another command.
    KeyReused,
    /// Nothing is reserved under this id any more.
    Missing,
}

/// The place where files lie, under their keys.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AttachmentFiles: Send + Sync + 'static {
    /// Begins to take a file in, on a disk of this node. Of one that is dropped before it is kept nothing is left.
    ///
    /// # Errors
    /// Only when the disk is at fault.
    async fn receive(&self) -> Result<Box<dyn IncomingFile>, RepositoryError>;

    /// A part of a file, which lies within it; `None` where there is no such file.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn read(&self, key: &FileKey, range: Range<u64>) -> Result<Option<Box<dyn FileReader>>, RepositoryError>;

    /// Removes a file, where it is there.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn remove(&self, key: &FileKey) -> Result<(), RepositoryError>;

    /// The files that were kept before this time, of all tenants.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn kept_before(&self, time: Timestamp) -> Result<Box<dyn OldFiles>, RepositoryError>;

    /// Removes what was being taken in, and of which nothing has come since this time: a node that crashed left it behind.
    /// Returns how much there was.
    ///
    /// # Errors
    /// Only when the disk is at fault.
    async fn drop_unfinished_before(&self, time: Timestamp) -> Result<u64, RepositoryError>;
}

/// A file that is being taken in.
#[async_trait]
pub trait IncomingFile: Send {
    /// Takes the next piece.
    ///
    /// # Errors
    /// Only when the disk is at fault.
    async fn write(&mut self, piece: Bytes) -> Result<(), RepositoryError>;

    /// Puts the whole file where it stays, durably, within a quarter of an hour or not at all.
    ///
    /// # Errors
    /// Only when the store is at fault; the file may lie there all the same.
    async fn keep(self: Box<Self>, key: &FileKey) -> Result<(), RepositoryError>;
}

/// A file that is being read.
#[async_trait]
pub trait FileReader: Send {
    /// The next piece, some ten KiB long; `None` after the last.
    ///
    /// # Errors
    /// Only when the store is at fault, or has not the whole file.
    async fn next(&mut self) -> Result<Option<Bytes>, RepositoryError>;
}

/// A list of files that is read in parts.
#[async_trait]
pub trait OldFiles: Send {
    /// Some hundred more; none after the last.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn next(&mut self) -> Result<Vec<FileKey>, RepositoryError>;
}
