//! An audit log that remembers.

use std::sync::{Arc, Mutex, PoisonError};

use crate::audit::{AuditLog, Deed};

/// Keeps a line for each deed: `denied user ann delete_message message 0198…`. A clone is a handle on the same log.
#[derive(Debug, Clone, Default)]
pub struct FakeAuditLog(Arc<Mutex<Vec<String>>>);

impl FakeAuditLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was told until now, oldest first.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl AuditLog for FakeAuditLog {
    fn tell(&self, deed: &Deed<'_>) {
        let Deed { caller, action, thing, outcome } = deed;
        let (role, id) = (caller.role(), caller.id());
        let line = format!("{} {role} {id} {action} {} {}", outcome.as_str(), thing.kind(), thing.id());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}
