//! Deleting a message, under its session's lock: in one statement, unless something may speak against it, or the audit has
//! to keep it.

use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::message::{Message, Removal, RemoveOutcome, Visibility};
use chat_domain::precondition::Precondition;
use chat_domain::revision::Rev;
use diesel::IntoSql as _;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz, Uuid};

use super::plain_removal::remove_plainly;
use super::read::{BY_IDS, MixedRow, assemble, by_ids};
use crate::postgres::audit::record;
use crate::postgres::error::{Failure, Loss};
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::statement::Statement;
use crate::postgres::time::to_pg;

pub(in crate::postgres) const LOCK: &str = "SELECT s.rev FROM sessions s
WHERE s.tenant_id = $1 AND s.id = (SELECT m.session_id FROM messages m WHERE m.tenant_id = $1 AND m.id = $2)
FOR NO KEY UPDATE";

/// Both rows move on together; the counts leave out what is deleted. The session is found by nothing but the message, so that
/// the planner never goes through all sessions of the tenant.
pub(in crate::postgres) const REMOVE: &str = "WITH removed AS (
    UPDATE messages m SET deleted_at = $4, rev = $3
    WHERE m.tenant_id = $1 AND m.id = $2
    RETURNING m.tenant_id, m.session_id
)
UPDATE sessions s SET
    rev = $3,
    updated_at = greatest(s.updated_at + interval '1 microsecond', $4),
    message_count = s.message_count - 1,
    public_message_count = s.public_message_count - $5::boolean::integer
FROM removed
WHERE s.tenant_id = removed.tenant_id AND s.id = removed.session_id";

/// Makes the message a tombstone.
pub(super) async fn remove(
    pool: &PgPool,
    tenant: &TenantId,
    id: MessageId,
    removal: &Removal,
) -> Result<RemoveOutcome, RepositoryError> {
    let removed = async {
        if removal.audit.is_none()
            && matches!(removal.precondition, Precondition::None)
            && let Some(tombstone) = remove_plainly(pool, tenant, id, removal.at).await?
        {
            return Ok(RemoveOutcome::Removed(tombstone));
        }
        judge_and_remove(pool, tenant, id, removal).await
    };
    pool.together(removed).await
}

/// Looks at the message under the lock before it changes anything.
async fn judge_and_remove(
    pool: &PgPool,
    tenant: &TenantId,
    id: MessageId,
    removal: &Removal,
) -> Result<RemoveOutcome, RepositoryError> {
    let work = |mut lease: Lease| async move {
        lease.begin().await?;
        let removed = remove_in(&mut lease, tenant, id, removal).await;
        lease.end(removed).await
    };
    pool.transact(Failure::is_passing, work).await
}

async fn remove_in(
    lease: &mut Lease,
    tenant: &TenantId,
    id: MessageId,
    removal: &Removal,
) -> Result<RemoveOutcome, Failure> {
    let Some((message, rev)) = locked(lease, tenant, id).await? else { return Ok(RemoveOutcome::Missing) };
    if !removal.precondition.holds(message.rev, None) {
        return Ok(RemoveOutcome::PreconditionFailed);
    }
    if message.is_deleted() {
        return Ok(RemoveOutcome::AlreadyRemoved(message));
    }
    let rev = rev.next();
    let values = (
        tenant.as_str().into_sql::<Text>(),
        id.as_uuid().into_sql::<Uuid>(),
        rev.get().into_sql::<BigInt>(),
        to_pg(removal.at).into_sql::<Timestamptz>(),
        (message.visibility == Visibility::Public).into_sql::<Bool>(),
    );
    lease.execute("remove message", Statement::<(), _>::new(REMOVE, values), Loss::Nothing).await?;
    if let Some(entry) = &removal.audit {
        record(lease, &[entry]).await?;
    }
    Ok(RemoveOutcome::Removed(Message { rev, deleted_at: Some(removal.at), ..message }.shown()))
}

/// Locks the message's session, and gives the message as it then is with the session's `rev`. Whatever changes a
/// message holds this lock, so nothing about it changes any more.
pub(in crate::postgres) async fn locked(
    lease: &mut Lease,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Option<(Message, Rev)>, Failure> {
    let values = (tenant.as_str().into_sql::<Text>(), id.as_uuid().into_sql::<Uuid>());
    let rev: Vec<i64> = lease.load("lock session", Statement::<BigInt, _>::new(LOCK, values), Loss::Nothing).await?;
    let Some(rev) = rev.into_iter().next() else { return Ok(None) };
    let statement = by_ids(vec![tenant.as_str()], vec![id.as_uuid()]);
    let rows: Vec<MixedRow> = lease.load(BY_IDS, statement, Loss::Nothing).await?;
    let (_, messages) = assemble(tenant, rows)?;
    Ok(messages.into_iter().next().map(|message| (message, Rev::new(rev))))
}
