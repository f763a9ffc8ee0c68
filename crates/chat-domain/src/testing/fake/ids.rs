//! Ids that count, in the shape of UUIDv7.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};

use crate::clock::IdSource;
use crate::id::{AttachmentId, AuditId, ExtensionId, MessageId, SessionId};

/// 2026-01-01T00:00:00Z in milliseconds: where the count begins.
const START_MILLIS: u64 = 1_767_225_600_000;

/// Ids that grow by one, in the shape of UUIDv7. A clone is a handle on the same count.
#[derive(Debug, Clone)]
pub struct FakeIds {
    count: Arc<AtomicU64>,
    tail: u64,
}

impl FakeIds {
    /// The same ids in every run.
    #[must_use]
    pub fn new() -> Self {
        Self::ending_in(0)
    }

    /// Ids that no other run has, for servers that several runs may share.
    #[must_use]
    pub fn unlike_others() -> Self {
        Self::ending_in(RandomState::new().hash_one(START_MILLIS))
    }

    fn ending_in(tail: u64) -> Self {
        Self { count: Arc::new(AtomicU64::new(0)), tail }
    }

    fn next(&self) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::SeqCst);
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.tail.to_be_bytes());
        Builder::from_unix_timestamp_millis(START_MILLIS + count, &random).into_uuid()
    }
}

impl Default for FakeIds {
    fn default() -> Self {
        Self::new()
    }
}

impl IdSource for FakeIds {
    fn session_id(&self) -> SessionId {
        SessionId::new(self.next())
    }

    fn message_id(&self) -> MessageId {
        MessageId::new(self.next())
    }

    fn extension_id(&self) -> ExtensionId {
        ExtensionId::new(self.next())
    }

    fn attachment_id(&self) -> AttachmentId {
        AttachmentId::new(self.next())
    }

    fn audit_id(&self) -> AuditId {
        AuditId::new(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_and_are_of_version_seven() {
        let ids = FakeIds::unlike_others();
        let (first, second) = (ids.session_id().as_uuid(), ids.message_id().as_uuid());
        assert!(first < second);
        assert_eq!(first.get_version_num(), 7);
    }

    #[test]
    fn plain_ids_are_the_same_in_every_run() {
        assert_eq!(FakeIds::new().session_id(), FakeIds::new().session_id());
        assert_ne!(FakeIds::unlike_others().session_id(), FakeIds::unlike_others().session_id());
    }
}
