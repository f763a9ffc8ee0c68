//! The idempotency keys of everything but messages, whose keys lie in their rows.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::TenantId;
use chat_domain::idempotency::{Idempotency, IdempotencyRepository};
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;
use uuid::Uuid;

use super::SqliteStore;
use super::error::{failed, read_failed};
use super::limit::at_most;
use super::schema::idempotency_keys;
use super::store::Threads;
use super::sweep::{AT_ONCE, forget_before};
use super::traced::shown;
use super::value::StoredUuid;
use crate::operation::{Observed, Operation};

/// The idempotency keys of an SQLite store.
pub struct SqliteIdempotency {
    threads: Observed<Threads>,
}

impl SqliteIdempotency {
    /// The keys of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { threads: store.observed.clone() }
    }
}

#[async_trait]
impl IdempotencyRepository for SqliteIdempotency {
    async fn forget_before(&self, time: Timestamp) -> Result<u64, RepositoryError> {
        forget_before(&self.threads, Operation::IdempotencyForget, forget_some, time).await
    }
}

/// What is known of a key.
pub(super) enum Known {
    /// It was not used yet, or there is none.
    No,
    /// It was used for this command, which made that.
    Same(Uuid),
    /// It was used for another command.
    Other,
}

pub(super) fn look(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    key: Option<&Idempotency>,
) -> Result<Known, RepositoryError> {
    let Some(key) = key else { return Ok(Known::No) };
    let _shown = shown("look for key");
    let used: Option<(Vec<u8>, StoredUuid)> = idempotency_keys::table
        .filter(idempotency_keys::tenant_id.eq(tenant.as_str()))
        .filter(idempotency_keys::scope.eq(key.scope.as_bytes().as_slice()))
        .select((idempotency_keys::command, idempotency_keys::resource_id))
        .get_result(connection)
        .optional()
        .map_err(|error| read_failed("idempotency key", error))?;
    Ok(match used {
        None => Known::No,
        Some((command, made)) if command == key.command.as_bytes() => Known::Same(made.0),
        Some(_) => Known::Other,
    })
}

pub(super) fn remember(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    key: &Idempotency,
    made: Uuid,
    at: Timestamp,
) -> Result<(), RepositoryError> {
    let row = (
        idempotency_keys::tenant_id.eq(tenant.as_str()),
        idempotency_keys::scope.eq(key.scope.as_bytes().as_slice()),
        idempotency_keys::command.eq(key.command.as_bytes().as_slice()),
        idempotency_keys::resource_id.eq(StoredUuid(made)),
        idempotency_keys::created_at.eq(at.as_micros()),
    );
    let _shown = shown("remember key");
    diesel::insert_into(idempotency_keys::table).values(row).execute(connection).map(drop).map_err(failed)
}

/// Forgets the oldest keys; returns how many.
fn forget_some(connection: &mut SqliteConnection, before: Timestamp) -> Result<i64, RepositoryError> {
    let _shown = shown("forget keys");
    let oldest = idempotency_keys::table
        .filter(idempotency_keys::created_at.lt(before.as_micros()))
        .order(idempotency_keys::created_at)
        .select((idempotency_keys::tenant_id, idempotency_keys::scope));
    let old = at_most(AT_ONCE, oldest)
        .load::<(String, Vec<u8>)>(connection)
        .map_err(|error| read_failed("idempotency key", error))?;
    let mut forgotten = 0;
    for (tenant, scope) in old {
        let key = idempotency_keys::table
            .filter(idempotency_keys::tenant_id.eq(tenant))
            .filter(idempotency_keys::scope.eq(scope));
        diesel::delete(key).execute(connection).map_err(failed)?;
        forgotten += 1;
    }
    Ok(forgotten)
}
