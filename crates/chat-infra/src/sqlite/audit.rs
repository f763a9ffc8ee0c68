//! The audit, newest first.

use async_trait::async_trait;
use chat_domain::audit::{AuditEntry, AuditPage, AuditQuery, AuditRepository};
use chat_domain::error::RepositoryError;
use chat_domain::id::{AuditId, SessionId, TenantId};
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::SqliteStore;
use super::audit_list::AuditRows;
use super::error::{failed, read_failed, unreadable};
use super::limit::at_most;
use super::schema::audit_entries;
use super::store::Threads;
use super::sweep::{AT_ONCE, forget_before};
use super::traced::shown;
use super::value::{StoredUuid, Unreadable};
use crate::operation::{Observed, Operation};

/// The audit of an SQLite store.
pub struct SqliteAudit {
    threads: Observed<Threads>,
}

impl SqliteAudit {
    /// The audit of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { threads: store.observed.clone() }
    }
}

#[async_trait]
impl AuditRepository for SqliteAudit {
    async fn list(&self, tenant: &TenantId, query: &AuditQuery) -> Result<AuditPage, RepositoryError> {
        let (tenant, query) = (tenant.clone(), query.clone());
        let list = move |connection: &mut _| list(connection, &tenant, &query);
        self.threads.run(Operation::AuditList, |to| to.readers.read(list)).await
    }

    async fn forget_before(&self, time: Timestamp) -> Result<u64, RepositoryError> {
        forget_before(&self.threads, Operation::AuditForget, forget_some, time).await
    }
}

/// An entry's row, apart from its tenant, which the question named.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = audit_entries, check_for_backend(Sqlite))]
pub(super) struct AuditRow {
    id: StoredUuid,
    created_at: i64,
    actor_id: String,
    actor_role: String,
    action: String,
    thing_kind: String,
    thing_id: String,
    session_id: Option<StoredUuid>,
}

impl AuditRow {
    fn into_entry(self, tenant: &TenantId) -> Result<AuditEntry, RepositoryError> {
        self.parse(tenant).map_err(unreadable("audit entry"))
    }

    fn parse(self, tenant: &TenantId) -> Result<AuditEntry, Unreadable> {
        Ok(AuditEntry {
            id: AuditId::new(self.id.0),
            tenant_id: tenant.clone(),
            created_at: Timestamp::from_micros(self.created_at)?,
            actor_id: self.actor_id.try_into()?,
            actor_role: self.actor_role.parse()?,
            action: self.action.into(),
            thing_kind: self.thing_kind.into(),
            thing_id: self.thing_id,
            session_id: self.session_id.map(|id| SessionId::new(id.0)),
        })
    }
}

/// Stores the entry, within the transaction of what it records.
pub(super) fn record(connection: &mut SqliteConnection, entry: &AuditEntry) -> Result<(), RepositoryError> {
    let _shown = shown("record audit");
    let row = (
        audit_entries::tenant_id.eq(entry.tenant_id.as_str()),
        audit_entries::created_at.eq(entry.created_at.as_micros()),
        audit_entries::id.eq(StoredUuid(entry.id.as_uuid())),
        audit_entries::actor_id.eq(entry.actor_id.as_str()),
        audit_entries::actor_role.eq(entry.actor_role.as_str()),
        audit_entries::action.eq(entry.action.as_ref()),
        audit_entries::thing_kind.eq(entry.thing_kind.as_ref()),
        audit_entries::thing_id.eq(entry.thing_id.as_str()),
        audit_entries::session_id.eq(entry.session_id.map(|id| StoredUuid(id.as_uuid()))),
    );
    diesel::insert_into(audit_entries::table).values(row).execute(connection).map(drop).map_err(failed)
}

fn list(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    query: &AuditQuery,
) -> Result<AuditPage, RepositoryError> {
    let shown = shown("list audit");
    let rows = AuditRows::new(tenant, query).load::<AuditRow>(connection);
    drop(shown);
    let rows = rows.map_err(|error| read_failed("audit entry", error))?;
    let found = rows.into_iter().map(|row| row.into_entry(tenant)).collect::<Result<_, _>>()?;
    Ok(AuditPage::assemble(query, found))
}

/// Forgets the oldest entries; returns how many.
fn forget_some(connection: &mut SqliteConnection, before: Timestamp) -> Result<i64, RepositoryError> {
    let _shown = shown("forget audit");
    let oldest = audit_entries::table
        .filter(audit_entries::created_at.lt(before.as_micros()))
        .order(audit_entries::created_at)
        .select((audit_entries::tenant_id, audit_entries::created_at, audit_entries::id));
    let old = at_most(AT_ONCE, oldest)
        .load::<(String, i64, StoredUuid)>(connection)
        .map_err(|error| read_failed("audit entry", error))?;
    let mut forgotten = 0;
    for (tenant, created_at, id) in old {
        let entry = audit_entries::table
            .filter(audit_entries::tenant_id.eq(tenant))
            .filter(audit_entries::created_at.eq(created_at))
            .filter(audit_entries::id.eq(id));
        diesel::delete(entry).execute(connection).map_err(failed)?;
        forgotten += 1;
    }
    Ok(forgotten)
}
