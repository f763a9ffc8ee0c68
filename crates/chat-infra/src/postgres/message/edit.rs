//! Changing a message: the domain decides what becomes of it, under its session's lock, and the text that is replaced is
//! kept in the same statement.

use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::message::{Edit, EditOutcome, Message};
use diesel::IntoSql as _;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz, Uuid};

use super::remove::locked;
use crate::postgres::audit::record;
use crate::postgres::error::{Failure, Loss};
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::statement::Statement;
use crate::postgres::time::to_pg;

/// All parts see the message and its edits as they were under the lock. The session is found by nothing but the message, as
/// when one is removed.
pub(in crate::postgres) const EDIT: &str = "WITH kept AS (
    INSERT INTO message_edits (tenant_id, message_id, number, id, edited_by, edited_at, content)
    SELECT
        $1, $2, (SELECT coalesce(max(e.number), 0) + 1 FROM message_edits e WHERE e.tenant_id = $1 AND e.message_id = $2),
        $5, $6, $4, m.content
    FROM messages m
    WHERE m.tenant_id = $1 AND m.id = $2 AND $7
),
changed AS (
    UPDATE messages m
    SET content = $8, metadata = $9, rev = $3, edited_at = CASE WHEN $7 THEN $4 ELSE m.edited_at END
    WHERE m.tenant_id = $1 AND m.id = $2
    RETURNING m.tenant_id, m.session_id
)
UPDATE sessions s SET rev = $3, updated_at = greatest(s.updated_at + interval '1 microsecond', $4)
FROM changed
WHERE s.tenant_id = changed.tenant_id AND s.id = changed.session_id";

/// Changes the message.
pub(super) async fn edit(
    pool: &PgPool,
    tenant: &TenantId,
    id: MessageId,
    edit: &Edit,
) -> Result<EditOutcome, RepositoryError> {
    let work = |mut lease: Lease| async move {
        lease.begin().await?;
        let edited = edit_in(&mut lease, tenant, id, edit).await;
        lease.end(edited).await
    };
    pool.transact(Failure::is_passing, work).await
}

async fn edit_in(lease: &mut Lease, tenant: &TenantId, id: MessageId, edit: &Edit) -> Result<EditOutcome, Failure> {
    let Some((message, rev)) = locked(lease, tenant, id).await? else { return Ok(EditOutcome::Missing) };
    if !edit.precondition.holds(message.rev, None) {
        return Ok(EditOutcome::PreconditionFailed);
    }
    let changed = match message.changed(&edit.change, rev.next(), edit.at) {
        Err(refusal) => return Ok(EditOutcome::Refused(refusal)),
        Ok(None) => return Ok(EditOutcome::Unchanged(message)),
        Ok(Some(changed)) => changed,
    };
    write(lease, tenant, &message, &changed, edit).await?;
    if let Some(entry) = &edit.audit {
        record(lease, &[entry]).await?;
    }
    Ok(EditOutcome::Edited(changed))
}

async fn write(
    lease: &mut Lease,
    tenant: &TenantId,
    before: &Message,
    changed: &Message,
    edit: &Edit,
) -> Result<(), Failure> {
    let values = (
        tenant.as_str().into_sql::<Text>(),
        changed.id.as_uuid().into_sql::<Uuid>(),
        changed.rev.get().into_sql::<BigInt>(),
        to_pg(edit.at).into_sql::<Timestamptz>(),
        edit.extension_id.as_uuid().into_sql::<Uuid>(),
        edit.by.as_str().into_sql::<Text>(),
        changed.reads_other_than(before).into_sql::<Bool>(),
        changed.content.as_str().into_sql::<Text>(),
        changed.metadata.as_str().into_sql::<Text>(),
    );
    lease.execute("edit message", Statement::<(), _>::new(EDIT, values), Loss::Nothing).await.map(drop)
}
