//! How far sessions have come: the authority over every cached page.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::message::Since;
use chat_domain::revision::{Rev, Revision};
use chat_domain::session::{News, RevisionSource, SessionKey};
use diesel::IntoSql as _;
use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid};

use super::message::news::news;
use super::pool::PgPool;
use super::statement::{Statement, each, place};
use super::time::from_pg;
use crate::operation::{Observed, Operation};

pub(super) const REVS: &str = "SELECT i.ord, s.rev, s.updated_at \
     FROM UNNEST($1::text[], $2::uuid[]) WITH ORDINALITY AS i (tenant_id, id, ord) \
     JOIN sessions s ON s.tenant_id = i.tenant_id AND s.id = i.id";

/// The place in the question, and what is known there.
pub(super) type RevisionRow = (i64, i64, PgTimestamp);

/// The revisions of all sessions.
pub(super) struct PgRevisions(pub(super) Observed<PgPool>);

#[async_trait]
impl RevisionSource for PgRevisions {
    async fn revs(&self, sessions: Vec<SessionKey>) -> Result<Vec<Option<Revision>>, RepositoryError> {
        self.0.run(Operation::RevisionsRead.of(sessions.len()), |pool| revs(pool, &sessions)).await
    }

    async fn news(&self, sessions: Vec<SessionKey>, since: Vec<Since>) -> Result<News, RepositoryError> {
        let asked = Operation::RevisionsRead.of(sessions.len() + since.len());
        self.0.run(asked, |pool| news(pool, &sessions, &since)).await
    }
}

async fn revs(pool: &PgPool, sessions: &[SessionKey]) -> Result<Vec<Option<Revision>>, RepositoryError> {
    let mut revisions = vec![None; sessions.len()];
    if sessions.is_empty() {
        return Ok(revisions);
    }
    let found: Vec<RevisionRow> = pool.read("read revisions", || statement(sessions)).await?;
    for row in found {
        put(&mut revisions, row)?;
    }
    Ok(revisions)
}

/// Puts what was found where it was asked for.
pub(super) fn put(
    revisions: &mut [Option<Revision>],
    (ord, rev, updated_at): RevisionRow,
) -> Result<(), RepositoryError> {
    if let Some(place) = place(ord).and_then(|place| revisions.get_mut(place)) {
        let updated_at = from_pg(updated_at).map_err(|broken| broken.in_a("session"))?;
        *place = Some(Revision { rev: Rev::new(rev), updated_at });
    }
    Ok(())
}

pub(super) fn statement(
    sessions: &[SessionKey],
) -> Statement<(BigInt, BigInt, Timestamptz), impl QueryFragment<Pg> + Send + use<'_>> {
    let values = (
        each(sessions, |key| key.tenant_id.as_str()).into_sql::<Array<Text>>(),
        each(sessions, |key| key.id.as_uuid()).into_sql::<Array<Uuid>>(),
    );
    Statement::new(REVS, values)
}
