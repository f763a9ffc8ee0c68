//! The audit, which is written with what it records.

use async_trait::async_trait;

use super::FakeStore;
use crate::audit::{AuditEntry, AuditPage, AuditQuery, AuditRepository};
use crate::cursor::CursorDirection;
use crate::error::RepositoryError;
use crate::id::TenantId;
use crate::timestamp::Timestamp;

#[async_trait]
impl AuditRepository for FakeStore {
    async fn list(&self, tenant: &TenantId, query: &AuditQuery) -> Result<AuditPage, RepositoryError> {
        let state = self.lock();
        let asked_for = state.audit.iter().filter(|entry| entry.tenant_id == *tenant && matches(entry, query));
        let mut found: Vec<AuditEntry> = asked_for.cloned().collect();
        found.sort_by_key(|entry| (entry.created_at, entry.id));
        if query.direction() == CursorDirection::Older {
            found.reverse();
        }
        found.truncate(usize::from(query.limit) + 1);
        Ok(AuditPage::assemble(query, found))
    }

    async fn forget_before(&self, time: Timestamp) -> Result<u64, RepositoryError> {
        let audit = &mut self.lock().audit;
        let before = audit.len();
        audit.retain(|entry| entry.created_at >= time);
        Ok((before - audit.len()) as u64)
    }
}

fn matches(entry: &AuditEntry, query: &AuditQuery) -> bool {
    let beyond = query.cursor.is_none_or(|cursor| {
        let (place, edge) = ((entry.created_at, entry.id), (cursor.created_at, cursor.id));
        match cursor.direction {
            CursorDirection::Older => place < edge,
            CursorDirection::Newer => place > edge,
        }
    });
    let by = query.actor.as_ref().is_none_or(|actor| entry.actor_id == *actor);
    beyond && by && query.action.is_none_or(|action| entry.action == action.as_str())
}
