//! What the domain needs of a store of messages.

use std::sync::Arc;

use async_trait::async_trait;

use super::edit::{MessageChange, MessageRefusal};
use super::history::{HistoryQuery, MessageHistory};
use super::list::{MessagePage, PageQuery};
use super::model::{Message, MessageType, Sender, Visibility};
use crate::attachment::Enclosure;
use crate::audit::AuditEntry;
use crate::error::RepositoryError;
use crate::extension::{Extension, ExtensionType};
use crate::id::{AttachmentId, ExtensionId, MessageId, ParticipantId, SessionId, TenantId};
use crate::idempotency::Idempotency;
use crate::metadata::Metadata;
use crate::precondition::Precondition;
use crate::revision::{Rev, Seq};
use crate::timestamp::Timestamp;

/// Stores the messages of all sessions, and finds single ones.
///
/// Each change of a message takes its session's next `rev`, which becomes the message's.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait MessageRepository: Send + Sync + 'static {
    /// Appends the batch in one step; one outcome per input, in input order.
    ///
    /// Each stored message takes its session's next `seq` and next `rev`. A refused message leaves its neighbours
    /// untouched. A repeated key returns what the first attempt stored, also where both stand in one batch; a refusal is
    /// not remembered. Where a message brings an entry of the audit, that is stored in the same step, and only where the
    /// message itself is; its attachments are sent by it in the same step, too. The order of checks: is the session there for
    /// this caller, is the key known, has the session ended; of a message with attachments, whether these are there to be
    /// sent may be seen before any of that but the key. The batch may hold many tenants and sessions.
    ///
    /// # Errors
    /// Only when the store, not a message, is at fault; then nothing of the batch was stored, or nobody knows.
    async fn append(&self, batch: Vec<NewMessage>) -> Result<Vec<AppendOutcome>, RepositoryError>;

    /// The message, or its tombstone.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn find(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError>;

    /// Makes a message a tombstone. The row keeps its content, for a restore. The precondition is looked at first, also
    /// where the message is a tombstone already. Where the removal brings an entry of the audit, that is stored in the same
    /// step, and only where the message became a tombstone by it.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn remove(
        &self,
        tenant: &TenantId,
        id: MessageId,
        removal: Removal,
    ) -> Result<RemoveOutcome, RepositoryError>;

    /// Changes a message in one atomic step: what [`Message::changed`] makes of it as it is under the store's lock. Where it
    /// then [reads otherwise](Message::reads_other_than), the text before is kept as the next of the message's edits. The
    /// precondition is looked at first. Where the edit brings an entry of the audit, that is stored in the same step, and
    /// only where the message changed.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn edit(&self, tenant: &TenantId, id: MessageId, edit: Edit) -> Result<EditOutcome, RepositoryError>;

    /// Makes a message of a tombstone again: as it was, with all that hung on it and all that it read before. A repeated key
    /// changes nothing, and is seen before the precondition and the state are looked at. A key is remembered where the
    /// message was restored or was none to be restored, not where it was refused. Where the restoration brings an entry of
    /// the audit, that is stored in the same step, and only where a tombstone was restored.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn restore(
        &self,
        tenant: &TenantId,
        id: MessageId,
        restoration: Restoration,
    ) -> Result<RestoreOutcome, RepositoryError>;

    /// A page of a message's history with the message itself, and what hangs on it, all as of one moment; `None` where there
    /// is no such message in the tenant.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn history(
        &self,
        tenant: &TenantId,
        id: MessageId,
        query: &HistoryQuery,
    ) -> Result<Option<MessageHistory>, RepositoryError>;
}

/// Reads the messages of a session page by page.
///
/// Apart from [`MessageRepository`], because other things stand in front of it: reads are cached, writes are gathered.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait MessagePages: Send + Sync + 'static {
    /// A page of a session's messages with the session itself, both as of one moment; `None` where there is no such
    /// session in the tenant. Shared, because one page answers many readers.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<Arc<MessagePage>>, RepositoryError>;

    /// Hears of a message that was stored just now, and found its session as it was at `found`: together a [`Step`]. A hint
    /// for who keeps pages and may tell the next one from the last: nothing is wrong where it does not come, nor where it
    /// comes late. Lent, because not everybody keeps it.
    ///
    /// [`Step`]: super::Step
    fn stored(&self, tenant: &TenantId, message: &Message, found: Timestamp) {
        _ = (tenant, message, found);
    }
}

/// A message to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Where it is said.
    pub session_id: SessionId,
    /// Its new id.
    pub id: MessageId,
    /// Who says it.
    pub sender: Sender,
    /// What is said.
    pub content: String,
    /// How the content is meant.
    pub message_type: MessageType,
    /// The client's own data.
    pub metadata: Metadata,
    /// The message that this one answers.
    pub reply_to: Option<MessageId>,
    /// Who sees it.
    pub visibility: Visibility,
    /// When it was sent.
    pub created_at: Timestamp,
    /// The attachments that it is sent with; hardly any message has one. They hang on it as extensions.
    pub enclosures: Vec<Enclosure>,
    /// The only user in whose sessions the caller may write: a session of another is [`AppendOutcome::SessionMissing`].
    pub confined_to: Option<ParticipantId>,
    /// The key of the request, where it had one.
    pub idempotency: Option<Idempotency>,
    /// What the audit keeps of it, where it is a matter of the audit: stored with the message, or neither is. Boxed, since
    /// next to no message has one and all of them are moved about.
    pub audit: Option<Box<AuditEntry>>,
}

impl NewMessage {
    /// The message that a store makes of it, in its place.
    #[must_use]
    pub fn to_message(&self, seq: Seq, rev: Rev) -> Message {
        Message {
            id: self.id,
            session_id: self.session_id,
            seq,
            rev,
            sender: self.sender.clone(),
            content: self.content.clone(),
            message_type: self.message_type,
            metadata: self.metadata.clone(),
            reply_to: self.reply_to,
            visibility: self.visibility,
            created_at: self.created_at,
            edited_at: None,
            deleted_at: None,
            extensions: self.extensions(),
        }
    }

    /// The extensions by which its attachments hang on it, by their ids.
    #[must_use]
    pub fn extensions(&self) -> Vec<Extension> {
        let extension = |enclosure: &Enclosure| Extension {
            id: enclosure.extension_id(),
            message_id: self.id,
            extension_type: ExtensionType::attachment(),
            data: enclosure.data.clone(),
            created_at: self.created_at,
        };
        let mut extensions: Vec<_> = self.enclosures.iter().map(extension).collect();
        extensions.sort_by_key(|extension| extension.id);
        extensions
    }
}

/// What became of a new message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendOutcome {
    /// It was stored, durably.
    Stored {
        /// As it is now.
        message: Message,
        /// The `updated_at` of the state in which it found its session, where the store can tell: its [`Step`](super::Step).
        found: Option<Timestamp>,
    },
    /// The key had been used for the same command; this is what that made, as it is now.
    Replayed(Message),
    /// The key had been used for another command.
    KeyReused,
    /// The session takes no more messages.
    SessionEnded {
        /// The session's present `rev`.
        rev: Rev,
    },
    /// One of its attachments is not there to be sent, or was sent before.
    AttachmentTaken(AttachmentId),
    /// There is no such session that the caller may see.
    SessionMissing,
}

/// How a message is to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// What must hold of the message's `rev`.
    pub precondition: Precondition,
    /// When it happens.
    pub at: Timestamp,
    /// What the audit keeps of it, where it is a matter of the audit: stored with the deletion, or neither is.
    pub audit: Option<AuditEntry>,
}

/// What became of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoveOutcome {
    /// It was deleted; this is the tombstone.
    Removed(Message),
    /// It was a tombstone already, and is unchanged.
    AlreadyRemoved(Message),
    /// There is no such message in the tenant.
    Missing,
    /// The precondition does not hold.
    PreconditionFailed,
}

/// How a message is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is to change.
    pub change: MessageChange,
    /// What must hold of the message's `rev`.
    pub precondition: Precondition,
    /// Who changes it.
    pub by: ParticipantId,
    /// When it happens.
    pub at: Timestamp,
    /// What the text that is replaced is to be called as an extension.
    pub extension_id: ExtensionId,
    /// What the audit keeps of it, where it is a matter of the audit: stored with the change, or neither is.
    pub audit: Option<AuditEntry>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditOutcome {
    /// It was made; this is the message after it.
    Edited(Message),
    /// The message was as wanted already.
    Unchanged(Message),
    /// There is no such message in the tenant.
    Missing,
    /// The precondition does not hold.
    PreconditionFailed,
    /// The message cannot change as wanted.
    Refused(MessageRefusal),
}

/// How a deletion is to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoration {
    /// What must hold of the message's `rev`.
    pub precondition: Precondition,
    /// When it happens.
    pub at: Timestamp,
    /// The key of the request, where it had one.
    pub idempotency: Option<Idempotency>,
    /// What the audit keeps of it, where it is a matter of the audit: stored with the restoration, or neither is.
    pub audit: Option<AuditEntry>,
}

/// What became of a restoration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreOutcome {
    /// It was made; this is the message again.
    Restored(Message),
    /// The message was not deleted.
    Unchanged(Message),
    /// The key had been used for the same command; this is the message as it is now.
    Replayed(Message),
    /// The key had been used for another command.
    KeyReused,
    /// There is no such message in the tenant.
    Missing,
    /// The precondition does not hold.
    PreconditionFailed,
}
