//! Reserving, committing, finding.

use chat_domain::attachment::{Attachment, CommitOutcome, NewAttachment, ReserveOutcome};
use chat_domain::error::RepositoryError;
use chat_domain::id::{AttachmentId, TenantId};
use chat_domain::idempotency::Idempotency;
use diesel::IntoSql as _;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid};

use super::row::{AttachmentColumns, AttachmentRow, COLUMNS};
use crate::postgres::error::{Failure, Loss};
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::statement::Statement;
use crate::postgres::time::to_pg;

/// The index whose violation says that another attachment was committed with the key meanwhile.
const KEY_INDEX: &str = "attachments_by_idempotency_scope";

/// The tenant's row is counted up and the attachment's made, or neither: of several at once each waits for the count of
/// the one before.
const RESERVE: &str = "WITH used AS (
    INSERT INTO attachment_usage AS u (tenant_id, bytes)
    SELECT $1, $3 WHERE $4 IS NULL OR $3 <= $4
    ON CONFLICT (tenant_id) DO UPDATE SET bytes = u.bytes + $3 WHERE $4 IS NULL OR u.bytes + $3 <= $4
    RETURNING tenant_id
),
made AS (
    INSERT INTO attachments (
        tenant_id, id, stage, session_id, uploaded_by, uploader_role, filename, content_type, size, sha256, created_at
    )
    SELECT used.tenant_id, $2, 'reserved', $5, $6, $7, $8, $9, $3, $10, $11 FROM used
    RETURNING id
)
SELECT id FROM made";

/// Makes the attachment one that is found, with its key.
const COMMIT: &str = "UPDATE attachments SET stage = 'stored', idempotency_scope = $3, idempotency_command = $4
WHERE tenant_id = $1 AND id = $2 AND stage = 'reserved'
RETURNING ";

pub(super) async fn reserve(
    pool: &PgPool,
    new: &NewAttachment,
    quota: Option<u64>,
) -> Result<ReserveOutcome, RepositoryError> {
    let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let statement = || {
        let values = (
            new.tenant_id.as_str().into_sql::<Text>(),
            new.id.as_uuid().into_sql::<Uuid>(),
            number(new.size).into_sql::<BigInt>(),
            quota.map(number).into_sql::<Nullable<BigInt>>(),
            new.session_id.as_uuid().into_sql::<Uuid>(),
            new.uploaded_by.as_str().into_sql::<Text>(),
            new.uploader_role.as_str().into_sql::<Text>(),
            new.filename.as_str().into_sql::<Text>(),
            new.content_type.as_str().into_sql::<Text>(),
            new.sha256.as_bytes().as_slice().into_sql::<Binary>(),
            to_pg(new.created_at).into_sql::<Timestamptz>(),
        );
        Statement::<Uuid, _>::new(RESERVE, values)
    };
    let reserve = |mut lease: Lease| async move { lease.load("reserve attachment", statement(), Loss::Outcome).await };
    let made: Vec<uuid::Uuid> = pool.attempt(Failure::is_passing, reserve).await?;
    Ok(if made.is_empty() { ReserveOutcome::QuotaExceeded } else { ReserveOutcome::Reserved })
}

pub(super) async fn commit(
    pool: &PgPool,
    tenant: &TenantId,
    id: AttachmentId,
    key: Option<&Idempotency>,
) -> Result<CommitOutcome, RepositoryError> {
    let again = |failure: &Failure| failure.is_conflict_on(KEY_INDEX) || failure.is_passing();
    let work = |mut lease: Lease| async move {
        if let Some(key) = key
            && let Some(known) = known(&mut lease, tenant, key).await?
        {
            return Ok(known);
        }
        let values = (
            tenant.as_str().into_sql::<Text>(),
            id.as_uuid().into_sql::<Uuid>(),
            key.map(|key| key.scope.as_bytes().as_slice()).into_sql::<Nullable<Binary>>(),
            key.map(|key| key.command.as_bytes().as_slice()).into_sql::<Nullable<Binary>>(),
        );
        let statement = Statement::<AttachmentColumns, _>::new(format!("{COMMIT}{COLUMNS}"), values);
        let rows: Vec<AttachmentRow> = lease.load("commit attachment", statement, Loss::Outcome).await?;
        let stored = rows.into_iter().next().map(AttachmentRow::into_attachment).transpose();
        // What cannot be read has been committed all the same.
        let stored = stored.map_err(RepositoryError::outcome_unknown)?;
        Ok(stored.map_or(CommitOutcome::Missing, CommitOutcome::Stored))
    };
    pool.together(pool.attempt(again, work)).await
}

pub(super) async fn replay(
    pool: &PgPool,
    tenant: &TenantId,
    key: &Idempotency,
) -> Result<Option<CommitOutcome>, RepositoryError> {
    let rows: Vec<(bool, AttachmentRow)> = pool.read("look for key", || by_key(tenant, key)).await?;
    replayed(rows)
}

async fn known(lease: &mut Lease, tenant: &TenantId, key: &Idempotency) -> Result<Option<CommitOutcome>, Failure> {
    let rows: Vec<(bool, AttachmentRow)> = lease.load("look for key", by_key(tenant, key), Loss::Nothing).await?;
    Ok(replayed(rows)?)
}

fn replayed(rows: Vec<(bool, AttachmentRow)>) -> Result<Option<CommitOutcome>, RepositoryError> {
    let Some((same, row)) = rows.into_iter().next() else { return Ok(None) };
    if same { row.into_attachment().map(CommitOutcome::Replayed).map(Some) } else { Ok(Some(CommitOutcome::KeyReused)) }
}

/// The attachment that the key led to, and whether its command was the same.
fn by_key<'q>(
    tenant: &'q TenantId,
    key: &'q Idempotency,
) -> Statement<(Bool, AttachmentColumns), impl diesel::query_builder::QueryFragment<diesel::pg::Pg> + Send + use<'q>> {
    let values = (
        tenant.as_str().into_sql::<Text>(),
        key.scope.as_bytes().as_slice().into_sql::<Binary>(),
        key.command.as_bytes().as_slice().into_sql::<Binary>(),
    );
    let sql = format!(
        "SELECT idempotency_command = $3, {COLUMNS} FROM attachments WHERE tenant_id = $1 AND idempotency_scope = $2"
    );
    Statement::new(sql, values)
}

pub(super) async fn find(
    pool: &PgPool,
    tenant: &TenantId,
    id: AttachmentId,
) -> Result<Option<Attachment>, RepositoryError> {
    let statement = || {
        let values = (tenant.as_str().into_sql::<Text>(), id.as_uuid().into_sql::<Uuid>());
        let sql = format!("SELECT {COLUMNS} FROM attachments WHERE tenant_id = $1 AND id = $2 AND stage = 'stored'");
        Statement::<AttachmentColumns, _>::new(sql, values)
    };
    let rows: Vec<AttachmentRow> = pool.read("find attachment", statement).await?;
    rows.into_iter().next().map(AttachmentRow::into_attachment).transpose()
}
