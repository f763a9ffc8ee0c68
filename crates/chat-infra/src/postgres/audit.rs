//! The audit: one walk along an index for a page of it, one statement more for what it keeps.

use async_trait::async_trait;
use chat_domain::access::Action;
use chat_domain::audit::{AuditEntry, AuditPage, AuditQuery, AuditRepository};
use chat_domain::cursor::CursorDirection;
use chat_domain::error::RepositoryError;
use chat_domain::id::{AuditId, ParticipantId, SessionId, TenantId};
use chat_domain::timestamp::Timestamp;
use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid};
use diesel::{IntoSql as _, Queryable};

use super::error::{Failure, Loss};
use super::lease::Lease;
use super::pool::PgPool;
use super::row::{Broken, parsed};
use super::statement::{Statement, each};
use super::sweep::forget_before;
use super::time::{INFINITY, from_pg, to_pg};
use crate::operation::{Observed, Operation};

/// The oldest come from their index, and each is found by its key.
pub(super) const FORGET: &str = "DELETE FROM audit_entries e \
     USING (SELECT o.tenant_id, o.created_at, o.id FROM audit_entries o WHERE o.created_at < $1 \
            ORDER BY o.created_at LIMIT $2) old \
     WHERE e.tenant_id = old.tenant_id AND e.created_at = old.created_at AND e.id = old.id";

/// As many entries as there are, in one round trip.
const RECORD: &str = "INSERT INTO audit_entries \
     (tenant_id, created_at, id, actor_id, actor_role, action, thing_kind, thing_id, session_id) \
     SELECT * FROM UNNEST(\
         $1::text[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[]\
     )";

/// Stores the entries, within the transaction of what they record.
pub(super) async fn record(lease: &mut Lease, entries: &[&AuditEntry]) -> Result<(), Failure> {
    let values = (
        each(entries, |entry| entry.tenant_id.as_str()).into_sql::<Array<Text>>(),
        each(entries, |entry| to_pg(entry.created_at)).into_sql::<Array<Timestamptz>>(),
        each(entries, |entry| entry.id.as_uuid()).into_sql::<Array<Uuid>>(),
        each(entries, |entry| entry.actor_id.as_str()).into_sql::<Array<Text>>(),
        each(entries, |entry| entry.actor_role.as_str()).into_sql::<Array<Text>>(),
        each(entries, |entry| entry.action.as_ref()).into_sql::<Array<Text>>(),
        each(entries, |entry| entry.thing_kind.as_ref()).into_sql::<Array<Text>>(),
        each(entries, |entry| entry.thing_id.as_str()).into_sql::<Array<Text>>(),
        each(entries, |entry| entry.session_id.map(SessionId::as_uuid)).into_sql::<Array<Nullable<Uuid>>>(),
    );
    lease.execute("record audit", Statement::<(), _>::new(RECORD, values), Loss::Nothing).await.map(drop)
}

/// The audit of all tenants.
pub(super) struct PgAudit(pub(super) Observed<PgPool>);

#[async_trait]
impl AuditRepository for PgAudit {
    async fn list(&self, tenant: &TenantId, query: &AuditQuery) -> Result<AuditPage, RepositoryError> {
        let list = |pool| list(pool, tenant, query);
        self.0.run(Operation::AuditList, list).await
    }

    async fn forget_before(&self, time: Timestamp) -> Result<u64, RepositoryError> {
        forget_before(&self.0, Operation::AuditForget, ("forget audit", FORGET), time).await
    }
}

async fn list(pool: &PgPool, tenant: &TenantId, query: &AuditQuery) -> Result<AuditPage, RepositoryError> {
    let sql = || sql(query.direction(), query.actor.is_some(), query.action.is_some());
    let rows = pool.read("list audit", || Statement::<AuditColumns, _>::new(sql(), values(tenant, query)));
    let rows: Vec<AuditRow> = rows.await?;
    let found: Result<_, Broken> = rows.into_iter().map(|row| row.into_entry(tenant)).collect();
    Ok(AuditPage::assemble(query, found.map_err(|broken| broken.in_a("audit entry"))?))
}

/// What is not narrowed is not mentioned, so that each question has an index of its own.
pub(super) fn sql(direction: CursorDirection, by_actor: bool, by_action: bool) -> String {
    let (beyond, order) = match direction {
        CursorDirection::Older => ("<", "DESC"),
        CursorDirection::Newer => (">", "ASC"),
    };
    let actor = if by_actor { "AND e.actor_id = $5" } else { "" };
    let action = if by_action { "AND e.action = $6" } else { "" };
    format!(
        "SELECT e.id, e.created_at, e.actor_id, e.actor_role, e.action, e.thing_kind, e.thing_id, e.session_id \
         FROM audit_entries e \
         WHERE e.tenant_id = $1 {actor} {action} AND (e.created_at, e.id) {beyond} ($2, $3) \
         ORDER BY e.created_at {order}, e.id {order} LIMIT $4"
    )
}

fn values<'q>(tenant: &'q TenantId, query: &'q AuditQuery) -> impl QueryFragment<Pg> + Send + use<'q> {
    // Without a cursor the walk begins beyond the newest that there could be.
    let from = query.cursor.map(|cursor| (to_pg(cursor.created_at), cursor.id.as_uuid()));
    let (created_at, id) = from.unwrap_or((INFINITY, uuid::Uuid::max()));
    (
        tenant.as_str().into_sql::<Text>(),
        created_at.into_sql::<Timestamptz>(),
        id.into_sql::<Uuid>(),
        (i64::from(query.limit) + 1).into_sql::<BigInt>(),
        query.actor.as_ref().map(ParticipantId::as_str).into_sql::<Nullable<Text>>(),
        query.action.map(Action::as_str).into_sql::<Nullable<Text>>(),
    )
}

type AuditColumns = (Uuid, Timestamptz, Text, Text, Text, Text, Text, Nullable<Uuid>);

/// An entry as it is stored, in the order of [`AuditColumns`]. The tenant is the one that was asked for.
#[derive(Debug, Queryable)]
struct AuditRow {
    id: uuid::Uuid,
    created_at: PgTimestamp,
    actor_id: String,
    actor_role: String,
    action: String,
    thing_kind: String,
    thing_id: String,
    session_id: Option<uuid::Uuid>,
}

impl AuditRow {
    fn into_entry(self, tenant: &TenantId) -> Result<AuditEntry, Broken> {
        Ok(AuditEntry {
            id: AuditId::new(self.id),
            tenant_id: tenant.clone(),
            created_at: from_pg(self.created_at)?,
            actor_id: parsed("actor_id", &self.actor_id)?,
            actor_role: parsed("actor_role", &self.actor_role)?,
            action: self.action.into(),
            thing_kind: self.thing_kind.into(),
            thing_id: self.thing_id,
            session_id: self.session_id.map(SessionId::new),
        })
    }
}
