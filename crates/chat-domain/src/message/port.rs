//! What the domain needs of a store of messages.

use std::sync::Arc;

use async_trait::async_trait;

use super::list::{MessagePage, PageQuery};
use super::model::{Message, MessageType, Sender, Visibility};
use crate::audit::AuditEntry;
use crate::error::RepositoryError;
use crate::id::{MessageId, ParticipantId, SessionId, TenantId};
use crate::idempotency::Idempotency;
use crate::metadata::Metadata;
use crate::precondition::Precondition;
use crate::revision::{Rev, Seq};
use crate::timestamp::Timestamp;

/// Stores the messages of all sessions, and finds single ones.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait MessageRepository: Send + Sync + 'static {
    /// Appends the batch in one step; one outcome per input, in input order.
    ///
    /// Each stored message takes its session's next `seq` and next `rev`. A refused message leaves its neighbours
    /// untouched. A repeated key returns what the first attempt stored, also where both stand in one batch; a refusal is
    /// not remembered. Where a message brings an entry of the audit, that is stored in the same step, and only where the
    /// message itself is. The order of checks: is the session there for this caller, is the key known, has the session
    /// ended. The batch may hold many tenants and sessions.
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
            extensions: Vec::new(),
        }
    }
}

/// What became of a new message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendOutcome {
    /// It was stored, durably.
    Stored(Message),
    /// The key had been used for the same command; this is what that made, as it is now.
    Replayed(Message),
    /// The key had been used for another command.
    KeyReused,
    /// The session takes no more messages.
    SessionEnded {
        /// The session's present `rev`.
        rev: Rev,
    },
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
