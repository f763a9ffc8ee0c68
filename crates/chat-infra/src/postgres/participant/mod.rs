//! The participants: how far everybody has come.

pub(super) mod mark;
mod row;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::participant::{MarkOutcome, Participant, ParticipantRepository, Receipt};
use chat_domain::session::SessionKey;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::{ExpressionMethods as _, QueryDsl as _, SelectableHelper as _};
use diesel_async::AsyncPgConnection;
use diesel_async::methods::LoadQuery;

use self::row::ParticipantRow;
use super::pool::PgPool;
use super::schema::participants;
use crate::operation::{Observed, Operation};

/// The participants of all sessions.
pub(super) struct PgParticipants(pub(super) Observed<PgPool>);

#[async_trait]
impl ParticipantRepository for PgParticipants {
    async fn mark(
        &self,
        tenant: &TenantId,
        session: SessionId,
        receipt: Receipt,
    ) -> Result<MarkOutcome, RepositoryError> {
        let key = SessionKey { tenant_id: tenant.clone(), id: session };
        self.0.run(Operation::ParticipantsMark, |pool| mark::mark(pool, &key, &receipt)).await
    }

    async fn list(&self, tenant: &TenantId, session: SessionId) -> Result<Vec<Participant>, RepositoryError> {
        self.0.run(Operation::ParticipantsList, |pool| list(pool, tenant, session)).await
    }
}

async fn list(pool: &PgPool, tenant: &TenantId, session: SessionId) -> Result<Vec<Participant>, RepositoryError> {
    let rows: Vec<ParticipantRow> = pool.read("list participants", || rows_of(tenant, session)).await?;
    let all = rows.into_iter().map(|row| row.into_participant(session)).collect::<Result<Vec<_>, _>>();
    let mut all = all?;
    all.sort_by(|one, other| (&one.id, one.role.as_str()).cmp(&(&other.id, other.role.as_str())));
    Ok(all)
}

/// The rows of a session.
pub(in crate::postgres) fn rows_of(
    tenant: &TenantId,
    session: SessionId,
) -> impl LoadQuery<'_, AsyncPgConnection, ParticipantRow> + QueryFragment<Pg> + Send {
    participants::table
        .filter(participants::tenant_id.eq(tenant.as_str()))
        .filter(participants::session_id.eq(session.as_uuid()))
        .select(ParticipantRow::as_select())
}
