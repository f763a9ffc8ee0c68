//! Deleting a message against which nothing speaks, as is so with nearly all: session and message move on in one
//! statement, so that the session's lock is held for no round trip. A message that is missing or a tombstone is left alone.

use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::message::Message;
use chat_domain::timestamp::Timestamp;
use diesel::IntoSql as _;
use diesel::sql_types::{Text, Timestamptz, Uuid};

use super::remove::LOCK;
use super::row::{MESSAGE_COLUMNS, MessageColumns, MessageRow};
use crate::postgres::error::{Failure, Loss};
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::statement::Statement;
use crate::postgres::time::to_pg;

/// Makes the message a tombstone; `None` where nothing was changed, since it was not there or was one already, or came a
/// moment ago.
pub(super) async fn remove_plainly(
    pool: &PgPool,
    tenant: &TenantId,
    id: MessageId,
    at: Timestamp,
) -> Result<Option<Message>, RepositoryError> {
    let work = |mut lease: Lease| async move {
        let values =
            (tenant.as_str().into_sql::<Text>(), id.as_uuid().into_sql::<Uuid>(), to_pg(at).into_sql::<Timestamptz>());
        let statement = Statement::<MessageColumns, _>::new(plain_removal_sql(), values);
        lease.load("remove message", statement, Loss::Outcome).await
    };
    // It waits for the session's lock as a transaction does, and so stands among those that appends do not wait for.
    let rows: Vec<MessageRow> = pool.transact(Failure::is_passing, work).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    // One that cannot be read is a tombstone all the same.
    let tombstone = row.into_message().map_err(RepositoryError::outcome_unknown)?;
    Ok(Some(tombstone.shown()))
}

/// All parts see one snapshot, which may be older than the wait for the lock. A row that has changed since is looked at
/// anew when it is locked or changed: so the `rev` is the newest one, and a message that was deleted meanwhile is found to
/// be, and moves no session. How that is asked keeps the planner from an index that only leaves tombstones out; and the
/// session is found by nothing but the message, so that it never goes through all sessions of the tenant.
pub(in crate::postgres) fn plain_removal_sql() -> String {
    format!(
        "WITH locked AS MATERIALIZED ({LOCK}), \
         removed AS (\
             UPDATE messages m SET deleted_at = $3, rev = locked.rev + 1 FROM locked \
             WHERE m.tenant_id = $1 AND m.id = $2 AND num_nulls(m.deleted_at) = 1 \
             RETURNING {MESSAGE_COLUMNS}, m.tenant_id\
         ), \
         moved_on AS (\
             UPDATE sessions s SET \
                 rev = removed.rev, \
                 updated_at = greatest(s.updated_at + interval '1 microsecond', $3), \
                 message_count = s.message_count - 1, \
                 public_message_count = s.public_message_count - (removed.visibility = 'public')::integer \
             FROM removed \
             WHERE s.tenant_id = removed.tenant_id AND s.id = removed.session_id\
         ) \
         SELECT {MESSAGE_COLUMNS} FROM removed m"
    )
}
