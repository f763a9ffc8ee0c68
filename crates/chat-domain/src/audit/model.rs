//! What the audit says of one deed.

use std::borrow::Cow;

use crate::access::Role;
use crate::id::{AuditId, MessageId, ParticipantId, SessionId, TenantId};
use crate::message::Message;
use crate::timestamp::Timestamp;

/// What something was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// The figures of the whole service.
    Figures,
    /// Something of the whole tenant: its audit.
    Tenant(TenantId),
    /// A user, or what is listed under it.
    User(ParticipantId),
    /// A session.
    Session(SessionId),
    /// A message.
    Message {
        /// Its id.
        id: MessageId,
        /// Where it was said.
        session: SessionId,
    },
}

impl Thing {
    /// This message.
    #[must_use]
    pub const fn of_message(message: &Message) -> Self {
        Self::Message { id: message.id, session: message.session_id }
    }

    /// What kind of thing it is, for stores, the wire and the log.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Figures => "figures",
            Self::Tenant(_) => "tenant",
            Self::User(_) => "user",
            Self::Session(_) => "session",
            Self::Message { .. } => "message",
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Figures => "all".to_owned(),
            Self::Tenant(id) => id.to_string(),
            Self::User(id) => id.to_string(),
            Self::Session(id) => id.to_string(),
            Self::Message { id, .. } => id.to_string(),
        }
    }

    /// The session that it is, or is in.
    #[must_use]
    pub const fn session(&self) -> Option<SessionId> {
        match self {
            Self::Figures | Self::Tenant(_) | Self::User(_) => None,
            Self::Session(id) | Self::Message { session: id, .. } => Some(*id),
        }
    }
}

/// That somebody did something to a thing. It holds nothing of what the thing says.
///
/// The names of the action and of the kind are text, so that a node shows entries of a newer one that knows more of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its identity within the tenant.
    pub id: AuditId,
    /// Where it happened.
    pub tenant_id: TenantId,
    /// When.
    pub created_at: Timestamp,
    /// Who did it.
    pub actor_id: ParticipantId,
    /// In which role.
    pub actor_role: Role,
    /// What was done: the name of an [`Action`](crate::access::Action).
    pub action: Cow<'static, str>,
    /// What kind of thing it was done to: as [`Thing::kind`] says.
    pub thing_kind: Cow<'static, str>,
    /// That thing's id.
    pub thing_id: String,
    /// The session that the thing is, or is in.
    pub session_id: Option<SessionId>,
}
