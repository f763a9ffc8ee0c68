//! The one event.

use serde::{Deserialize, Serialize};

use crate::id::{SessionId, TenantId};
use crate::message::Message;
use crate::revision::Rev;

/// What kind of thing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A message was written, changed or deleted.
    Message,
    /// The session's own fields changed.
    Session,
    /// Somebody has received or read messages.
    Participant,
}

/// A session has come to a new `rev`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionChanged {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The session.
    pub session_id: SessionId,
    /// The `rev` that the change took.
    pub rev: Rev,
    /// What changed.
    pub kind: ChangeKind,
}

impl SessionChanged {
    /// That a message of the tenant was written, changed or deleted, which took its present `rev`.
    #[must_use]
    pub fn of_message(tenant: &TenantId, message: &Message) -> Self {
        Self { tenant_id: tenant.clone(), session_id: message.session_id, rev: message.rev, kind: ChangeKind::Message }
    }
}
