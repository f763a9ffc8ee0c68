//! The audit's events in the log.

use chat_domain::audit::{AuditLog, Deed};

/// Writes each deed as an event of its own, under the target `chat_audit`: who did what to which thing, never what the
/// thing says.
#[derive(Debug, Clone, Copy, Default)]
pub struct TracedAudit;

impl AuditLog for TracedAudit {
    fn tell(&self, deed: &Deed<'_>) {
        let Deed { caller, action, thing, outcome } = deed;
        let session = thing.session();
        tracing::info!(
            target: "chat_audit",
            outcome = outcome.as_str(),
            action = action.as_str(),
            tenant = caller.tenant().as_str(),
            actor = caller.id().as_str(),
            role = caller.role().as_str(),
            thing = thing.kind(),
            thing_id = thing.id(),
            session_id = session.map(tracing::field::display),
            "audit"
        );
    }
}
