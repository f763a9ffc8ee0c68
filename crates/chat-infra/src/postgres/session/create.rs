//! Starting a session: one statement, with the key of the request where it has one.

use chat_domain::error::RepositoryError;
use chat_domain::id::{ParticipantId, SessionId};
use chat_domain::session::{CreateOutcome, NewSession, SessionStatus};
use diesel::IntoSql as _;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Binary, Bool, Nullable, Text, Timestamptz, Uuid};

use super::find;
use crate::postgres::error::{Failure, Loss};
use crate::postgres::idempotency::KEY_INDEX;
use crate::postgres::pool::PgPool;
use crate::postgres::statement::Statement;
use crate::postgres::time::to_pg;

/// Stores the session and its key unless the key is known; then tells what it led to, and whether that was the same.
/// Two at once do not see each other's key: the second breaks the unique index and is run again.
pub(in crate::postgres) const CREATE: &str = "WITH known AS MATERIALIZED (
    SELECT k.resource_id, k.command = $10 AS same FROM idempotency_keys k WHERE k.tenant_id = $1 AND k.scope = $9
),
key AS (
    INSERT INTO idempotency_keys (tenant_id, scope, command, resource_id, created_at)
    SELECT $1, $9, $10, $2, $8 WHERE $9 IS NOT NULL AND NOT EXISTS (SELECT FROM known)
),
made AS (
    INSERT INTO sessions (
        tenant_id, id, user_id, agent_id, status, metadata, previous_session_id, created_at, updated_at,
        rev, version, last_seq, message_count, public_message_count
    )
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $8, 1, 1, 0, 0, 0 WHERE NOT EXISTS (SELECT FROM known)
)
SELECT resource_id, same FROM known";

/// What is stored for a key whose session is gone: a fault of ours, since sessions stay.
#[derive(Debug, thiserror::Error)]
#[error("an idempotency key names a session that is not there")]
struct Dangling;

/// Stores the session.
pub(super) async fn create(pool: &PgPool, new: &NewSession) -> Result<CreateOutcome, RepositoryError> {
    pool.together(create_or_replay(pool, new)).await
}

async fn create_or_replay(pool: &PgPool, new: &NewSession) -> Result<CreateOutcome, RepositoryError> {
    let again = |failure: &Failure| failure.is_conflict_on(KEY_INDEX) || matches!(failure, Failure::Contention(_));
    let known: Vec<(uuid::Uuid, bool)> = pool
        .attempt(again, |mut lease| async move { lease.load("create session", statement(new), Loss::Outcome).await })
        .await?;
    match known.into_iter().next() {
        None => Ok(CreateOutcome::Created(new.to_session())),
        Some((_, false)) => Ok(CreateOutcome::KeyReused),
        Some((id, true)) => {
            let session = find(pool, &new.tenant_id, SessionId::new(id)).await?;
            session.map(CreateOutcome::Replayed).ok_or_else(|| RepositoryError::internal(Dangling))
        }
    }
}

fn statement(new: &NewSession) -> Statement<(Uuid, Bool), impl QueryFragment<Pg> + Send> {
    let values = (
        new.tenant_id.as_str().into_sql::<Text>(),
        new.id.as_uuid().into_sql::<Uuid>(),
        new.user_id.as_str().into_sql::<Text>(),
        new.agent_id.as_ref().map(ParticipantId::as_str).into_sql::<Nullable<Text>>(),
        SessionStatus::Active.as_str().into_sql::<Text>(),
        new.metadata.as_str().into_sql::<Text>(),
        new.previous_session_id.map(SessionId::as_uuid).into_sql::<Nullable<Uuid>>(),
        to_pg(new.created_at).into_sql::<Timestamptz>(),
        new.idempotency.as_ref().map(|key| key.scope.as_bytes().as_slice()).into_sql::<Nullable<Binary>>(),
        new.idempotency.as_ref().map(|key| key.command.as_bytes().as_slice()).into_sql::<Nullable<Binary>>(),
    );
    Statement::new(CREATE, values)
}
