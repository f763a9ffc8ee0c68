//! The one use case of the audit: to read it.

use std::sync::Arc;

use super::list::{AuditDraft, AuditPage};
use super::model::Thing;
use super::port::AuditRepository;
use crate::access::{Action, Caller, Denied, Guard, Guarded, Relation};
use crate::error::RepositoryError;
use crate::fault::Faults;

/// Why the audit was not shown.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuditError {
    /// The input is at fault.
    #[error(transparent)]
    Invalid(#[from] Faults),
    /// The caller may not read the audit.
    #[error("not allowed")]
    Forbidden,
    /// The store is at fault.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl From<Denied> for AuditError {
    /// That a tenant has an audit is no secret.
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Forbidden | Denied::Hidden => Self::Forbidden,
        }
    }
}

/// The use case of the audit.
pub struct AuditService {
    audit: Guarded<dyn AuditRepository>,
    guard: Guard,
}

impl AuditService {
    /// Puts the use case on top of its ports.
    #[must_use]
    pub fn new(audit: Arc<dyn AuditRepository>, guard: Guard) -> Self {
        Self { audit: Guarded::new(audit), guard }
    }

    /// A page of the audit of the caller's tenant.
    ///
    /// # Errors
    /// All faults of the parameters at once, a caller who may not read the audit, a store at fault.
    pub async fn list(&self, caller: &Caller, draft: AuditDraft) -> Result<AuditPage, AuditError> {
        let thing = || Thing::Tenant(caller.tenant().clone());
        let permit = self.guard.ask(caller, Action::ListAudit, Relation::Other, thing)?;
        let query = draft.check()?;
        let page = self.audit.with(&permit).list(caller.tenant(), &query).await?;
        self.guard.done(&permit, &thing());
        Ok(page)
    }
}
