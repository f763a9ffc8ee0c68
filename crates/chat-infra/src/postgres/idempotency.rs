//! The keys of everything but messages, each with what it led to.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::TenantId;
use chat_domain::idempotency::{Idempotency, IdempotencyRepository};
use chat_domain::timestamp::Timestamp;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::{ExpressionMethods as _, QueryDsl as _};
use diesel_async::AsyncPgConnection;
use diesel_async::methods::LoadQuery;

use super::error::{Failure, Loss};
use super::lease::Lease;
use super::pool::PgPool;
use super::schema::idempotency_keys;
use super::sweep::forget_before;
use super::time::to_pg;
use crate::operation::{Observed, Operation};

/// The index whose violation says that a key was stored meanwhile.
pub(super) const KEY_INDEX: &str = "idempotency_keys_pkey";

pub(super) const FORGET: &str = "DELETE FROM idempotency_keys k \
     USING (SELECT o.tenant_id, o.scope FROM idempotency_keys o WHERE o.created_at < $1 \
            ORDER BY o.created_at LIMIT $2) old \
     WHERE k.tenant_id = old.tenant_id AND k.scope = old.scope";

/// What the store knows of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It was not used yet, or there is none.
    No,
    /// It was used for this command, which led to that.
    Same(uuid::Uuid),
    /// It was used for another command.
    Other,
}

/// Looks for the key.
pub(super) async fn known(lease: &mut Lease, tenant: &TenantId, key: Option<&Idempotency>) -> Result<Known, Failure> {
    let Some(key) = key else { return Ok(Known::No) };
    let used: Vec<(bool, uuid::Uuid)> = lease.load("look for key", is_same(tenant, key), Loss::Nothing).await?;
    Ok(match used.first() {
        None => Known::No,
        Some((true, resource)) => Known::Same(*resource),
        Some((false, _)) => Known::Other,
    })
}

/// Whether the key was used for this command, and what it led to; no row where it was not used.
pub(super) fn is_same<'q>(
    tenant: &'q TenantId,
    key: &'q Idempotency,
) -> impl LoadQuery<'q, AsyncPgConnection, (bool, uuid::Uuid)> + QueryFragment<Pg> + Send {
    let row = idempotency_keys::table.find((tenant.as_str(), key.scope.as_bytes().as_slice()));
    let is_same = idempotency_keys::command.eq(key.command.as_bytes().as_slice());
    row.select((is_same, idempotency_keys::resource_id))
}

/// Stores the key with what it led to.
pub(super) async fn remember(
    lease: &mut Lease,
    tenant: &TenantId,
    key: &Idempotency,
    resource: uuid::Uuid,
    at: Timestamp,
) -> Result<(), Failure> {
    let row = diesel::insert_into(idempotency_keys::table).values((
        idempotency_keys::tenant_id.eq(tenant.as_str()),
        idempotency_keys::scope.eq(key.scope.as_bytes().as_slice()),
        idempotency_keys::command.eq(key.command.as_bytes().as_slice()),
        idempotency_keys::resource_id.eq(resource),
        idempotency_keys::created_at.eq(to_pg(at)),
    ));
    lease.execute("remember key", row, Loss::Nothing).await.map(drop)
}

/// The keys of everything but messages.
pub(super) struct PgIdempotency(pub(super) Observed<PgPool>);

#[async_trait]
impl IdempotencyRepository for PgIdempotency {
    async fn forget_before(&self, time: Timestamp) -> Result<u64, RepositoryError> {
        forget_before(&self.0, Operation::IdempotencyForget, ("forget keys", FORGET), time).await
    }
}
