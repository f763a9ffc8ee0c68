//! What the domain needs of a store of extensions.

use async_trait::async_trait;

use super::model::{Attached, Extension, ExtensionType};
use super::room::NoRoom;
use crate::audit::AuditEntry;
use crate::error::RepositoryError;
use crate::id::{ExtensionId, MessageId, TenantId};
use crate::idempotency::{Digest, Idempotency};
use crate::message::{Message, Sender};
use crate::metadata::Metadata;
use crate::precondition::Precondition;
use crate::revision::Rev;
use crate::timestamp::Timestamp;

/// Stores the extensions of messages, apart from the earlier versions of their texts. Each change takes the session's next
/// `rev`, which becomes the message's.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ExtensionRepository: Send + Sync + 'static {
    /// Hangs an extension on a message, unless one with its unique key hangs there, which an index decides. A repeated
    /// key of a request gives what its first use made, whatever became of the message.
    ///
    /// The order of checks: is the message there, is the key of the request known, does the precondition hold, is the
    /// message a tombstone, does one with the unique key hang on it, [is there room](super::find_room).
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn add(&self, new: NewExtension) -> Result<AddOutcome, RepositoryError>;

    /// One extension of a message, with who made it; a tombstone shows none.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn find(
        &self,
        tenant: &TenantId,
        message: MessageId,
        id: ExtensionId,
    ) -> Result<Option<Attached>, RepositoryError>;

    /// Takes an extension off its message. The precondition is looked at first, also where there is nothing to be taken
    /// off. Where the detachment brings an entry of the audit, that is stored in the same step, and only where something
    /// was taken off.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn remove(
        &self,
        tenant: &TenantId,
        message: MessageId,
        detachment: Detachment,
    ) -> Result<DetachOutcome, RepositoryError>;
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
    /// Who makes it.
    pub maker: Sender,
    /// What no two extensions of a message share, where it is of such a kind.
    pub unique_key: Option<Digest>,
    /// When it is added.
    pub created_at: Timestamp,
    /// What must hold of the message's `rev`.
    pub precondition: Precondition,
    /// The key of the request, where it had one.
    pub idempotency: Option<Idempotency>,
}

impl NewExtension {
    /// The extension that a store makes of it.
    #[must_use]
    pub fn to_extension(&self) -> Extension {
        Extension {
            id: self.id,
            message_id: self.message_id,
            extension_type: self.extension_type.clone(),
            data: self.data.clone(),
            created_at: self.created_at,
        }
    }
}

/// What became of a new extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddOutcome {
    /// It was added.
    Added {
        /// The extension.
        extension: Extension,
        /// The message with it.
        message: Message,
    },
    /// One with its unique key hangs on the message already, and nothing was changed.
    AlreadyThere(Message),
    /// The key of the request had been used for the same command; this is what that made.
    Replayed {
        /// The extension.
        extension: Extension,
        /// The present `rev` of its message.
        rev: Rev,
    },
    /// The key of the request had been used for the same command, and what that made is not to be seen any more: it was
    /// taken off, or its message was deleted.
    Gone,
    /// The key of the request had been used for another command.
    KeyReused,
    /// There is no such message in the tenant.
    MessageMissing,
    /// The precondition does not hold.
    PreconditionFailed,
    /// The message is a tombstone.
    MessageDeleted,
    /// The message has no room for it.
    NoRoom(NoRoom),
}

impl AddOutcome {
    /// That the extension was hung on a message that was as given, and that this took the `rev`.
    #[must_use]
    pub fn added(new: &NewExtension, mut message: Message, rev: Rev) -> Self {
        let extension = new.to_extension();
        message.extensions.push(extension.clone());
        message.extensions.sort_by_key(|extension| (extension.created_at, extension.id));
        message.rev = rev;
        Self::Added { extension, message }
    }

    /// That the key of the request had made the extension with this id, whose message is as given.
    #[must_use]
    pub fn replayed(message: Message, id: ExtensionId) -> Self {
        let (rev, mut shown) = (message.rev, message.shown().extensions.into_iter());
        let extension = shown.find(|extension| extension.id == id);
        extension.map_or(Self::Gone, |extension| Self::Replayed { extension, rev })
    }
}

/// Which extension of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one with this id.
    Id(ExtensionId),
    /// The one with this unique key.
    UniqueKey(Digest),
}

/// How an extension is to be taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detachment {
    /// Which one.
    pub which: Which,
    /// What must hold of the message's `rev`.
    pub precondition: Precondition,
    /// When it happens.
    pub at: Timestamp,
    /// What the audit keeps of it, where it is a matter of the audit: stored with the change, or neither is.
    pub audit: Option<AuditEntry>,
}

/// What became of a detachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetachOutcome {
    /// It was taken off; this is the message without it.
    Removed(Message),
    /// There is no such extension on the message, and nothing was changed.
    NotThere(Message),
    /// There is no such message in the tenant.
    MessageMissing,
    /// The precondition does not hold.
    PreconditionFailed,
    /// The message is a tombstone.
    MessageDeleted,
}

impl DetachOutcome {
    /// That the extension was taken off a message that was as given, and that this took the `rev`.
    #[must_use]
    pub fn removed(mut message: Message, id: ExtensionId, rev: Rev) -> Self {
        message.extensions.retain(|extension| extension.id != id);
        message.rev = rev;
        Self::Removed(message)
    }
}
