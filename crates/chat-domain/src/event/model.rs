//! The one event.

use serde::{Deserialize, Serialize};

use crate::id::{SessionId, TenantId};
use crate::revision::Rev;

/// What kind of thing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A message was written, changed or deleted.
    Message,
    /// The session's own fields changed.
    Session,
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
