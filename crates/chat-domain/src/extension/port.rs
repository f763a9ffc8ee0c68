//! What the domain needs of a store of extensions.

use async_trait::async_trait;

use super::model::{Extension, ExtensionType};
use crate::error::RepositoryError;
use crate::id::{ExtensionId, MessageId, TenantId};
use crate::metadata::Metadata;
use crate::revision::Rev;
use crate::timestamp::Timestamp;

/// Stores the extensions of messages. Each change takes the session's next `rev`, which becomes the message's.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ExtensionRepository: Send + Sync + 'static {
    /// Hangs an extension on a message.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn add(&self, new: NewExtension) -> Result<AddOutcome, RepositoryError>;

    /// The extensions of these messages, on each by time and then by id; a tombstone shows none.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn list(&self, tenant: &TenantId, messages: &[MessageId]) -> Result<Vec<Extension>, RepositoryError>;

    /// Takes an extension off a message that is not a tombstone; the `rev` that this took, or `None` where there was no
    /// such extension to be seen.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn remove(
        &self,
        tenant: &TenantId,
        message: MessageId,
        id: ExtensionId,
        at: Timestamp,
    ) -> Result<Option<Rev>, RepositoryError>;
}

/// An extension to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewExtension {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The message that it hangs on.
    pub message_id: MessageId,
    /// Its new id.
    pub id: ExtensionId,
    /// What kind.
    pub extension_type: ExtensionType,
    /// What it says.
    pub data: Metadata,
    /// When it is added.
    pub created_at: Timestamp,
}

/// What became of a new extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddOutcome {
    /// It was added.
    Added {
        /// The extension.
        extension: Extension,
        /// The `rev` that this took.
        rev: Rev,
    },
    /// There is no such message in the tenant.
    MessageMissing,
    /// The message is a tombstone.
    MessageDeleted,
    /// The message holds [`Extension::MAX_PER_MESSAGE`] already.
    TooMany,
}
