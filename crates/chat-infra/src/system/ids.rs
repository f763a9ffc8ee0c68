//! New ids.

use chat_domain::clock::IdSource;
use chat_domain::id::{AttachmentId, AuditId, ExtensionId, MessageId, SessionId};
use uuid::Uuid;

/// Makes `UUIDv7`s. Within the process each is greater than all before it, also within one millisecond and on all
/// threads: the counter behind them is shared.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

#[expect(clippy::disallowed_methods, reason = "this is the adapter that the `IdSource` port is asked through")]
fn next() -> Uuid {
    Uuid::now_v7()
}

impl IdSource for SystemIds {
    fn session_id(&self) -> SessionId {
        SessionId::new(next())
    }

    fn message_id(&self) -> MessageId {
        MessageId::new(next())
    }

    fn extension_id(&self) -> ExtensionId {
        ExtensionId::new(next())
    }

    fn attachment_id(&self) -> AttachmentId {
        AttachmentId::new(next())
    }

    fn audit_id(&self) -> AuditId {
        AuditId::new(next())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_id_is_greater_than_the_one_before() {
        let ids: Vec<_> = (0..10_000).map(|_| SystemIds.message_id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(ids.iter().all(|id| id.as_uuid().get_version_num() == 7));
    }

    #[test]
    fn threads_never_make_the_same_id() {
        let make = || (0..5_000).map(|_| SystemIds.session_id()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(make)).collect();
        let ids: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }
}
