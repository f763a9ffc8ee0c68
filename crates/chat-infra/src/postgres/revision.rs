//! How far sessions have come: the authority over every cached page.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::message::Since;
use chat_domain::revision::{Rev, Revision};
use chat_domain::session::{News, RevisionSource, SessionKey};
use diesel::IntoSql as _;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid};

use super::message::news::news;
use super::pool::PgPool;
use super::statement::Statement;
use super::time::from_pg;
use crate::operation::{Observed, Operation};

pub(super) const REVS: &str = "SELECT i.ord, s.rev, s.updated_at \
     FROM UNNEST($1::text[], $2::uuid[]) WITH ORDINALITY AS i (tenant_id, id, ord) \
     JOIN sessions s ON s.tenant_id = i.tenant_id AND s.id = i.id";

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
    let found: Vec<(i64, i64, PgTimestamp)> = pool
        .read("read revisions", || {
            let tenants: Vec<&str> = sessions.iter().map(|key| key.tenant_id.as_str()).collect();
            let ids: Vec<uuid::Uuid> = sessions.iter().map(|key| key.id.as_uuid()).collect();
            let values = (tenants.into_sql::<Array<Text>>(), ids.into_sql::<Array<Uuid>>());
            Statement::<(BigInt, BigInt, Timestamptz), _>::new(REVS, values)
        })
        .await?;
    for (ord, rev, updated_at) in found {
        let place = usize::try_from(ord).ok().and_then(|ord| revisions.get_mut(ord.checked_sub(1)?));
        if let Some(place) = place {
            let updated_at = from_pg(updated_at).map_err(|broken| broken.in_a("session"))?;
            *place = Some(Revision { rev: Rev::new(rev), updated_at });
        }
    }
    Ok(revisions)
}
