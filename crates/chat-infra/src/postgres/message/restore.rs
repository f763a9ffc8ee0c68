//! Making a message of a tombstone again, under its session's lock.

use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::message::{Message, Restoration, RestoreOutcome, Visibility};
use chat_domain::revision::Rev;
use diesel::IntoSql as _;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz, Uuid};

use super::read::{BY_IDS, MixedRow, assemble, by_ids};
use super::remove::locked;
use crate::postgres::audit::record;
use crate::postgres::error::{Failure, Loss};
use crate::postgres::idempotency::{KEY_INDEX, Known, known, remember};
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::statement::Statement;
use crate::postgres::time::to_pg;

/// Both rows move on together; the counts have what is shown again. The session is found by nothing but the message, as
/// when one is removed.
pub(in crate::postgres) const RESTORE: &str = "WITH restored AS (
    UPDATE messages m SET deleted_at = NULL, rev = $3
    WHERE m.tenant_id = $1 AND m.id = $2
    RETURNING m.tenant_id, m.session_id
)
UPDATE sessions s SET
    rev = $3,
    updated_at = greatest(s.updated_at + interval '1 microsecond', $4),
    message_count = s.message_count + 1,
    public_message_count = s.public_message_count + $5::boolean::integer
FROM restored
WHERE s.tenant_id = restored.tenant_id AND s.id = restored.session_id";

/// What was locked a moment ago is not there any more: a fault of ours, since messages stay.
#[derive(Debug, thiserror::Error)]
#[error("a message was gone once it was restored")]
struct Gone;

/// Restores the message.
pub(super) async fn restore(
    pool: &PgPool,
    tenant: &TenantId,
    id: MessageId,
    restoration: &Restoration,
) -> Result<RestoreOutcome, RepositoryError> {
    // A key that was stored meanwhile, for whatever else, is known on the next attempt.
    let again = |failure: &Failure| failure.is_conflict_on(KEY_INDEX) || failure.is_passing();
    let work = |mut lease: Lease| async move {
        lease.begin().await?;
        let restored = restore_in(&mut lease, tenant, id, restoration).await;
        lease.end(restored).await
    };
    pool.transact(again, work).await
}

async fn restore_in(
    lease: &mut Lease,
    tenant: &TenantId,
    id: MessageId,
    restoration: &Restoration,
) -> Result<RestoreOutcome, Failure> {
    let Some((message, rev)) = locked(lease, tenant, id).await? else { return Ok(RestoreOutcome::Missing) };
    match known(lease, tenant, restoration.idempotency.as_ref()).await? {
        Known::Same { .. } => return Ok(RestoreOutcome::Replayed(message)),
        Known::Other => return Ok(RestoreOutcome::KeyReused),
        Known::No => {}
    }
    if !restoration.precondition.holds(message.rev, None) {
        return Ok(RestoreOutcome::PreconditionFailed);
    }
    let outcome = if message.is_deleted() {
        RestoreOutcome::Restored(revive(lease, tenant, &message, rev.next(), restoration).await?)
    } else {
        RestoreOutcome::Unchanged(message)
    };
    if let Some(key) = &restoration.idempotency {
        remember(lease, tenant, key, id.as_uuid(), restoration.at).await?;
    }
    Ok(outcome)
}

/// Restores the tombstone, and gives what it is then.
async fn revive(
    lease: &mut Lease,
    tenant: &TenantId,
    tombstone: &Message,
    rev: Rev,
    restoration: &Restoration,
) -> Result<Message, Failure> {
    let values = (
        tenant.as_str().into_sql::<Text>(),
        tombstone.id.as_uuid().into_sql::<Uuid>(),
        rev.get().into_sql::<BigInt>(),
        to_pg(restoration.at).into_sql::<Timestamptz>(),
        (tombstone.visibility == Visibility::Public).into_sql::<Bool>(),
    );
    lease.execute("restore message", Statement::<(), _>::new(RESTORE, values), Loss::Nothing).await?;
    if let Some(entry) = &restoration.audit {
        record(lease, &[entry]).await?;
    }
    let statement = by_ids(vec![tenant.as_str()], vec![tombstone.id.as_uuid()]);
    let rows: Vec<MixedRow> = lease.load(BY_IDS, statement, Loss::Nothing).await?;
    let (_, messages) = assemble(tenant, rows)?;
    Ok(messages.into_iter().next().ok_or_else(|| RepositoryError::internal(Gone))?)
}
