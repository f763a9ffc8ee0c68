//! What the domain needs of a store of the audit.
//!
//! Entries have no method of their own by which they are written: they come with what they record, as part of it, so that
//! neither can be there without the other.

use async_trait::async_trait;

use super::list::{AuditPage, AuditQuery};
use crate::error::RepositoryError;
use crate::id::TenantId;
use crate::timestamp::Timestamp;

/// Keeps the audit of all tenants.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AuditRepository: Send + Sync + 'static {
    /// A page of a tenant's audit.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn list(&self, tenant: &TenantId, query: &AuditQuery) -> Result<AuditPage, RepositoryError>;

    /// Forgets, in all tenants, the entries of before the given time; returns how many.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn forget_before(&self, time: Timestamp) -> Result<u64, RepositoryError>;
}
