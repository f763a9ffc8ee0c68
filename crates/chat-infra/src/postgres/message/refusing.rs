//! Why a plain append did not take a message: its session has ended, is none of its caller's, or stands with other
//! messages of the batch that are.

use chat_domain::error::RepositoryError;
use chat_domain::id::ParticipantId;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid};
use diesel::{IntoSql as _, Queryable};

use super::plain::Placed;
use crate::postgres::error::{Failure, Loss};
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::statement::{Statement, each};

/// Of messages that were not taken: the sessions that are there and that their callers may write to, and which of those
/// have ended.
pub(in crate::postgres) const REFUSING: &str = "SELECT i.ord, s.rev, s.status = 'ended' \
     FROM UNNEST($1::bigint[], $2::text[], $3::uuid[], $4::text[]) AS i (ord, tenant_id, session_id, confined_to) \
     JOIN sessions s ON s.tenant_id = i.tenant_id AND s.id = i.session_id \
     WHERE i.confined_to IS NULL OR i.confined_to = s.user_id";

const NAME: &str = "find refusing sessions";

/// The session of a message that was not taken, where it is there and the caller may write to it.
#[derive(Debug, Clone, Copy, Queryable)]
pub(super) struct Found {
    /// Which of the messages that were asked for, from 0.
    number: i64,
    /// The session's present `rev`.
    pub(super) rev: i64,
    /// Whether it has ended; one that has not did not refuse this message.
    pub(super) has_ended: bool,
}

impl Found {
    /// The message, of those that were asked for.
    pub(super) fn of<'b>(&self, messages: &[Placed<'b>]) -> Option<Placed<'b>> {
        messages.get(usize::try_from(self.number).ok()?).copied()
    }
}

/// Looks by a connection that is held anyway. Nobody is waited for: no row is locked.
pub(super) async fn refusing_in(lease: &mut Lease, messages: &[Placed<'_>]) -> Result<Vec<Found>, Failure> {
    lease.load(NAME, statement(messages), Loss::Nothing).await
}

/// Looks by a connection of the pool.
pub(super) async fn refusing(pool: &PgPool, messages: &[Placed<'_>]) -> Result<Vec<Found>, RepositoryError> {
    pool.read(NAME, || statement(messages)).await
}

fn statement(messages: &[Placed<'_>]) -> Statement<(BigInt, BigInt, Bool), impl QueryFragment<Pg> + Send> {
    let values = (
        (0..).take(messages.len()).collect::<Vec<i64>>().into_sql::<Array<BigInt>>(),
        each(messages, |placed| placed.new.tenant_id.as_str()).into_sql::<Array<Text>>(),
        each(messages, |placed| placed.new.session_id.as_uuid()).into_sql::<Array<Uuid>>(),
        each(messages, |placed| placed.new.confined_to.as_ref().map(ParticipantId::as_str))
            .into_sql::<Array<Nullable<Text>>>(),
    );
    Statement::new(REFUSING, values)
}
