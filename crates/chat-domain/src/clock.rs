//! Time and identity as ports: the domain never asks the machine itself, so that tests decide what it sees.

use crate::id::{AttachmentId, AuditId, ExtensionId, MessageId, SessionId};
use crate::timestamp::Timestamp;

/// Tells the time.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Clock: Send + Sync + 'static {
    /// Now, cut to microseconds.
    fn now(&self) -> Timestamp;
}

/// Makes ids that were never given before, in about the order of time (UUIDv7), so that an index over them stays dense.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait IdSource: Send + Sync + 'static {
    /// For a new session.
    fn session_id(&self) -> SessionId;
    /// For a new message.
    fn message_id(&self) -> MessageId;
    /// For a new extension.
    fn extension_id(&self) -> ExtensionId;
    /// For a new attachment.
    fn attachment_id(&self) -> AttachmentId;
    /// For a new entry of the audit.
    fn audit_id(&self) -> AuditId;
}
