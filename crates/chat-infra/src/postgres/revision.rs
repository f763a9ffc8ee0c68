//! How far sessions have come: the authority over every cached page.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::revision::Rev;
use chat_domain::session::{RevisionSource, SessionKey};
use diesel::IntoSql as _;
use diesel::sql_types::{Array, BigInt, Text, Uuid};

use super::pool::PgPool;
use super::statement::Statement;

pub(super) const REVS: &str = "SELECT i.ord, s.rev \
     FROM UNNEST($1::text[], $2::uuid[]) WITH ORDINALITY AS i (tenant_id, id, ord) \
     JOIN sessions s ON s.tenant_id = i.tenant_id AND s.id = i.id";

/// The revs of all sessions.
pub(super) struct PgRevisions(pub(super) PgPool);

#[async_trait]
impl RevisionSource for PgRevisions {
    async fn revs(&self, sessions: Vec<SessionKey>) -> Result<Vec<Option<Rev>>, RepositoryError> {
        let mut revs = vec![None; sessions.len()];
        if sessions.is_empty() {
            return Ok(revs);
        }
        let found: Vec<(i64, i64)> = self
            .0
            .read(|| {
                let tenants: Vec<&str> = sessions.iter().map(|key| key.tenant_id.as_str()).collect();
                let ids: Vec<uuid::Uuid> = sessions.iter().map(|key| key.id.as_uuid()).collect();
                let values = (tenants.into_sql::<Array<Text>>(), ids.into_sql::<Array<Uuid>>());
                Statement::<(BigInt, BigInt), _>::new(REVS, values)
            })
            .await?;
        for (ord, rev) in found {
            let place = usize::try_from(ord).ok().and_then(|ord| revs.get_mut(ord.checked_sub(1)?));
            if let Some(place) = place {
                *place = Some(Rev::new(rev));
            }
        }
        Ok(revs)
    }
}
