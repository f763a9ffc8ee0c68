//! Changing a session's own fields: the domain decides what becomes of the row, under its lock.

use chat_domain::error::RepositoryError;
use chat_domain::id::{ParticipantId, SessionId, TenantId};
use chat_domain::session::{Session, SessionUpdate, UpdateOutcome};
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::{ExpressionMethods as _, QueryDsl as _, SelectableHelper as _};
use diesel_async::AsyncPgConnection;
use diesel_async::methods::{ExecuteDsl, LoadQuery};

use super::row::SessionRow;
use crate::postgres::error::{Failure, Loss};
use crate::postgres::idempotency::{KEY_INDEX, Known, known, remember};
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::schema::sessions;
use crate::postgres::time::to_pg;

/// Changes the session.
pub(super) async fn update(
    pool: &PgPool,
    tenant: &TenantId,
    id: SessionId,
    update: &SessionUpdate,
) -> Result<UpdateOutcome, RepositoryError> {
    // A key that another session's update stores meanwhile is known on the next attempt.
    let again = |failure: &Failure| failure.is_conflict_on(KEY_INDEX) || failure.is_passing();
    let work = |mut lease: Lease| async move {
        lease.begin().await?;
        let updated = update_in(&mut lease, tenant, id, update).await;
        lease.end(updated).await
    };
    pool.transact(again, work).await
}

async fn update_in(
    lease: &mut Lease,
    tenant: &TenantId,
    id: SessionId,
    update: &SessionUpdate,
) -> Result<UpdateOutcome, Failure> {
    let rows: Vec<SessionRow> = lease.load("lock session", locked_row_of(tenant, id), Loss::Nothing).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(UpdateOutcome::Missing) };
    let session = row.into_session(tenant)?;
    match known(lease, tenant, update.idempotency.as_ref()).await? {
        Known::Same(_) => return Ok(UpdateOutcome::Replayed(session)),
        Known::Other => return Ok(UpdateOutcome::KeyReused),
        Known::No => {}
    }
    if !update.precondition.holds(session.rev, Some(session.version)) {
        return Ok(UpdateOutcome::PreconditionFailed);
    }
    let outcome = match session.changed(&update.change, update.at) {
        Err(refusal) => return Ok(UpdateOutcome::Refused(session, refusal)),
        Ok(None) => UpdateOutcome::Unchanged(session),
        Ok(Some(changed)) => {
            lease.execute("write session", write(&changed), Loss::Nothing).await?;
            UpdateOutcome::Updated(changed)
        }
    };
    if let Some(key) = &update.idempotency {
        remember(lease, tenant, key, id.as_uuid(), update.at).await?;
    }
    Ok(outcome)
}

/// The session's row, which nobody else changes until the transaction ends.
pub(in crate::postgres) fn locked_row_of(
    tenant: &TenantId,
    id: SessionId,
) -> impl LoadQuery<'_, AsyncPgConnection, SessionRow> + QueryFragment<Pg> + Send {
    let row = sessions::table.find((tenant.as_str(), id.as_uuid()));
    row.select(SessionRow::as_select()).for_no_key_update()
}

/// The session's own fields as they are to be.
pub(in crate::postgres) fn write(session: &Session) -> impl ExecuteDsl<AsyncPgConnection> + QueryFragment<Pg> + Send {
    let row = sessions::table.find((session.tenant_id.as_str(), session.id.as_uuid()));
    diesel::update(row).set((
        sessions::agent_id.eq(session.agent_id.as_ref().map(ParticipantId::as_str)),
        sessions::status.eq(session.state.status().as_str()),
        sessions::ended_at.eq(session.state.ended_at().map(to_pg)),
        sessions::metadata.eq(session.metadata.as_str()),
        sessions::updated_at.eq(to_pg(session.updated_at)),
        sessions::rev.eq(session.rev.get()),
        sessions::version.eq(session.version.get()),
    ))
}
