//! The session and what can change in it.

use serde::{Deserialize, Serialize};

use super::state::{InvalidTransition, SessionState, SessionStatus};
use crate::access::View;
use crate::fault::{Faults, Place};
use crate::id::{ParticipantId, SessionId, TenantId};
use crate::message::Message;
use crate::metadata::{MergePatch, Metadata};
use crate::revision::{Rev, Revision, Version};
use crate::session::SessionKey;
use crate::timestamp::Timestamp;

/// How many messages of one kind a session holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Messages that are not deleted.
    pub count: i64,
    /// When the newest, the one with the highest `seq`, was sent, deleted since or not.
    pub last_at: Option<Timestamp>,
}

/// A conversation between one user and the agents of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its identity within the tenant.
    pub id: SessionId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The visitor; never changes.
    pub user_id: ParticipantId,
    /// The agent who serves it, where one does.
    pub agent_id: Option<ParticipantId>,
    /// Where it stands.
    pub state: SessionState,
    /// The client's own data.
    pub metadata: Metadata,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it or its messages last changed; never moves back.
    pub updated_at: Timestamp,
    /// The session that this one continues.
    pub previous_session_id: Option<SessionId>,
    /// Counts all changes, messages included.
    pub rev: Rev,
    /// Counts changes of the session's own fields.
    pub version: Version,
    /// Messages of every visibility.
    pub all_messages: Tally,
    /// Public messages only.
    pub public_messages: Tally,
}

/// What becomes of the metadata of a session or a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataChange {
    /// Put this in its place.
    Replace(Metadata),
    /// Merge this into it (RFC 7396).
    Merge(MergePatch),
}

/// A wanted change of a session's own fields; `None` leaves a field alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionChange {
    /// The new agent, or `Some(None)` for nobody.
    pub agent_id: Option<Option<ParticipantId>>,
    /// The new status.
    pub status: Option<SessionStatus>,
    /// The new metadata.
    pub metadata: Option<MetadataChange>,
}

/// Why a session cannot change as wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionRefusal {
    /// The state machine knows no such move.
    #[error(transparent)]
    InvalidTransition(InvalidTransition),
    /// An ended session gets no other agent.
    #[error("the session has ended")]
    Ended,
    /// What the change would make of the session breaks a limit.
    #[error(transparent)]
    Invalid(Faults),
}

impl Session {
    /// What to ask for where somebody with this view wants to know what it has not read; `None` where the session has no
    /// message that it could see, and so none that is unread.
    #[must_use]
    pub fn to_count(&self, view: View) -> Option<(SessionKey, Revision)> {
        let key = || SessionKey { tenant_id: self.tenant_id.clone(), id: self.id };
        (self.tally(view).count > 0).then(|| (key(), self.revision()))
    }

    /// Which state of the session this is.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        Revision { rev: self.rev, updated_at: self.updated_at }
    }

    /// The tally that a caller with this view is shown.
    #[must_use]
    pub const fn tally(&self, view: View) -> Tally {
        match view {
            View::Public => self.public_messages,
            View::Full => self.all_messages,
        }
    }

    /// Counts a message that the session took as its next change.
    pub(crate) fn count(&mut self, message: &Message) {
        let at = message.created_at;
        self.rev = message.rev;
        self.updated_at = self.updated_at.moved_on(at);
        self.all_messages.add(at);
        if message.visibility.shown_in(View::Public) {
            self.public_messages.add(at);
        }
    }

    /// The session after the change, with `rev` and `version` moved on; `None` where the change changes nothing.
    ///
    /// # Errors
    /// Why the change is impossible.
    pub fn changed(&self, change: &SessionChange, now: Timestamp) -> Result<Option<Self>, SessionRefusal> {
        let mut next = self.clone();
        if let Some(status) = change.status {
            next.state = self.state.move_to(status, now).map_err(SessionRefusal::InvalidTransition)?;
        }
        if let Some(agent_id) = &change.agent_id {
            next.agent_id.clone_from(agent_id);
        }
        if self.state.status() == SessionStatus::Ended && next.agent_id != self.agent_id {
            return Err(SessionRefusal::Ended);
        }
        if let Some(metadata) = &change.metadata {
            next.metadata = metadata.applied_to(&self.metadata).map_err(SessionRefusal::Invalid)?;
        }
        if next == *self {
            return Ok(None);
        }
        next.rev = self.rev.next();
        next.version = self.version.next();
        next.updated_at = self.updated_at.moved_on(now);
        Ok(Some(next))
    }
}

impl Tally {
    fn add(&mut self, at: Timestamp) {
        self.count += 1;
        self.last_at = Some(at);
    }
}

impl MetadataChange {
    /// What it makes of the metadata.
    ///
    /// # Errors
    /// The limit that the result breaks.
    pub(crate) fn applied_to(&self, metadata: &Metadata) -> Result<Metadata, Faults> {
        match self {
            Self::Replace(new) => Ok(new.clone()),
            Self::Merge(patch) => patch.apply(metadata).map_err(|(below, rejection)| {
                let mut faults = Faults::none();
                faults.add(Place::Body, format!("/metadata{below}"), rejection);
                faults
            }),
        }
    }
}
