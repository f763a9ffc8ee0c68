//! Dooming and forgetting, some hundred rows a statement.

use chat_domain::attachment::FileKey;
use chat_domain::error::RepositoryError;
use chat_domain::id::{AttachmentId, MessageId, TenantId};
use chat_domain::timestamp::Timestamp;
use diesel::IntoSql as _;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid};

use crate::postgres::error::{Failure, Loss};
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::row::parsed;
use crate::postgres::statement::{Statement, each};
use crate::postgres::time::{INFINITY, to_pg};

/// How many of a stage are doomed at once.
const AT_ONCE: i64 = 100;

/// The oldest of a stage come from their index, in which nothing stands that was sent, and each is found by its key. A row
/// that another node dooms at the same time is left to it.
pub(in crate::postgres) const DOOM: &str = "UPDATE attachments a SET stage = 'doomed'
FROM (
    SELECT o.tenant_id, o.id FROM attachments o
    WHERE o.message_id IS NULL AND o.stage = $1 AND o.created_at < $2
    ORDER BY o.created_at LIMIT $3
    FOR NO KEY UPDATE SKIP LOCKED
) old
WHERE a.tenant_id = old.tenant_id AND a.id = old.id
RETURNING a.tenant_id, a.id";

pub(in crate::postgres) const DOOM_SENT: &str = "UPDATE attachments SET stage = 'doomed', message_id = NULL
WHERE tenant_id = $1 AND message_id = ANY ($2)";

/// The rows go, and what they took of their tenants' room comes back, once.
const FORGET: &str = "WITH gone AS (
    DELETE FROM attachments a
    USING UNNEST($1::text[], $2::uuid[]) k (tenant_id, id)
    WHERE a.tenant_id = k.tenant_id AND a.id = k.id AND a.stage <> 'stored'
    RETURNING a.tenant_id, a.size
)
UPDATE attachment_usage u SET bytes = greatest(u.bytes - g.bytes, 0)
FROM (SELECT tenant_id, sum(size)::bigint AS bytes FROM gone GROUP BY tenant_id ORDER BY tenant_id) g
WHERE u.tenant_id = g.tenant_id";

const STRAYS: &str = "SELECT k.tenant_id, k.id FROM UNNEST($1::text[], $2::uuid[]) k (tenant_id, id)
WHERE NOT EXISTS (SELECT FROM attachments a WHERE a.tenant_id = k.tenant_id AND a.id = k.id)";

pub(super) async fn doom(
    pool: &PgPool,
    reserved: Timestamp,
    unsent: Timestamp,
) -> Result<Vec<FileKey>, RepositoryError> {
    let mut doomed = Vec::new();
    for (stage, before) in [("doomed", INFINITY), ("reserved", to_pg(reserved)), ("stored", to_pg(unsent))] {
        let doom = |mut lease: Lease| async move {
            let values = (stage.into_sql::<Text>(), before.into_sql::<Timestamptz>(), AT_ONCE.into_sql::<BigInt>());
            // To doom twice does no harm, so that a lost answer is worth another attempt.
            lease.load("doom attachments", Statement::<(Text, Uuid), _>::new(DOOM, values), Loss::Nothing).await
        };
        doomed.extend(keys(pool.attempt(Failure::is_passing, doom).await?)?);
    }
    Ok(doomed)
}

pub(super) async fn doom_sent(pool: &PgPool, tenant: &TenantId, messages: &[MessageId]) -> Result<(), RepositoryError> {
    let ids = each(messages, |id| id.as_uuid());
    let ids = ids.as_slice();
    let doom = |mut lease: Lease| async move {
        let values = (tenant.as_str().into_sql::<Text>(), ids.into_sql::<Array<Uuid>>());
        lease.execute("doom attachments", Statement::<(), _>::new(DOOM_SENT, values), Loss::Nothing).await
    };
    pool.attempt(Failure::is_passing, doom).await.map(drop)
}

pub(super) async fn forget(pool: &PgPool, keys: &[FileKey]) -> Result<(), RepositoryError> {
    let forget = |mut lease: Lease| async move {
        let statement = Statement::<(), _>::new(FORGET, arrays(keys));
        lease.execute("forget attachments", statement, Loss::Nothing).await
    };
    pool.attempt(Failure::is_passing, forget).await.map(drop)
}

pub(super) async fn strays(pool: &PgPool, asked: Vec<FileKey>) -> Result<Vec<FileKey>, RepositoryError> {
    let asked = asked.as_slice();
    let strays = || Statement::<(Text, Uuid), _>::new(STRAYS, arrays(asked));
    keys(pool.read("find strays", strays).await?)
}

/// The keys as two arrays of the same length.
fn arrays(keys: &[FileKey]) -> impl QueryFragment<Pg> + Send + use<'_> {
    (
        each(keys, |key| key.tenant_id.as_str()).into_sql::<Array<Text>>(),
        each(keys, |key| key.id.as_uuid()).into_sql::<Array<Uuid>>(),
    )
}

fn keys(rows: Vec<(String, uuid::Uuid)>) -> Result<Vec<FileKey>, RepositoryError> {
    let key = |(tenant, id): (String, uuid::Uuid)| {
        let tenant_id = parsed("tenant_id", &tenant).map_err(|broken| broken.in_a("attachment"))?;
        Ok(FileKey { tenant_id, id: AttachmentId::new(id) })
    };
    rows.into_iter().map(key).collect()
}
