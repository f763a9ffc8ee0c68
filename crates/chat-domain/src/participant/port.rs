//! What the domain needs of a store of participants, and of whoever counts what they have not read.

use async_trait::async_trait;

use super::model::{Participant, Reader, ReceiptKind, UnreadCount};
use crate::error::RepositoryError;
use crate::id::{ParticipantId, SessionId, TenantId};
use crate::idempotency::Idempotency;
use crate::revision::{Revision, Seq};
use crate::session::SessionKey;
use crate::timestamp::Timestamp;

/// Stores how far everybody has come.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ParticipantRepository: Send + Sync + 'static {
    /// Takes a receipt, in one atomic step: what [`Participant::after`] makes of the participant as it is under the lock
    /// of its session. What moves takes the session's next `rev`, which becomes the participant's, and leaves the session's
    /// `updated_at` alone; what moves nothing changes nothing.
    ///
    /// A `seq` beyond the last message that the reader sees, deleted ones included, stands for that one. The user of the
    /// session knows of itself, of whoever is the session's agent at the time of a receipt that moves something, and of
    /// whoever has a public message there then that is not deleted. Of messages that come or are deleted at the very moment of a
    /// receipt either may be missed; those that were there before it was sent are not. A repeated key changes nothing, and gives the
    /// participant as it is now.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn mark(
        &self,
        tenant: &TenantId,
        session: SessionId,
        receipt: Receipt,
    ) -> Result<MarkOutcome, RepositoryError>;

    /// Everybody who has sent a receipt in the session, by id and then by role; nobody where there is no such session.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn list(&self, tenant: &TenantId, session: SessionId) -> Result<Vec<Participant>, RepositoryError>;
}

/// Counts what somebody has not read, by the rule of [`Reader::has_unread`].
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait UnreadCounts: Send + Sync + 'static {
    /// How much the reader has not read of each of these sessions, in their order; `None` where there is no such session.
    /// With each comes the state in which it was when it was last looked at; the answer is of that state, or of a later one
    /// where there is one by now.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn unread(
        &self,
        reader: &Reader,
        sessions: Vec<(SessionKey, Revision)>,
    ) -> Result<Vec<Option<Unread>>, RepositoryError>;
}

/// A count, and the state of the session that it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// The state.
    pub revision: Revision,
    /// The count.
    pub count: UnreadCount,
    /// Whether nothing else can ever come to have this revision, so that the count may be kept by it. Where a receipt made
    /// the state and the store may lose its last commits, another receipt may: receipts leave the session's time alone.
    pub may_be_kept: bool,
}

/// That somebody has received or read messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Who.
    pub reader: Reader,
    /// Whether they were read.
    pub kind: ReceiptKind,
    /// The last of them.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// The only user of whose sessions the caller may learn: a session of another is [`MarkOutcome::SessionMissing`].
    pub confined_to: Option<ParticipantId>,
    /// The key of the request, where it had one.
    pub idempotency: Option<Idempotency>,
}

/// What became of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkOutcome {
    /// It moved the participant on; this is how it is now.
    Moved(Participant),
    /// It moved nothing.
    Unmoved(Participant),
    /// The key had been used for the same command; this is the participant as it is now.
    Replayed(Participant),
    /// The key had been used for another command.
    KeyReused,
    /// There is no such session that the caller may see.
    SessionMissing,
}
