//! Adding and removing within a transaction.

use chat_domain::extension::{AddOutcome, DetachOutcome, Detachment, NewExtension, Which, find_room};
use chat_domain::id::{ExtensionId, MessageId, TenantId};
use chat_domain::idempotency::Digest;
use chat_domain::revision::Rev;
use chat_domain::timestamp::Timestamp;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid};
use diesel::{ExpressionMethods as _, IntoSql as _, QueryDsl as _};
use diesel_async::AsyncPgConnection;
use diesel_async::methods::LoadQuery;

use crate::postgres::audit::record;
use crate::postgres::error::{Failure, Loss};
use crate::postgres::idempotency::{Known, known, remember};
use crate::postgres::lease::Lease;
use crate::postgres::message::remove::locked;
use crate::postgres::schema::message_extensions;
use crate::postgres::statement::Statement;
use crate::postgres::time::to_pg;

/// What traces call the taking off.
const DELETE: &str = "delete extension";

/// The index decides whether one with the same unique key is there.
const INSERT: &str = "INSERT INTO message_extensions
    (tenant_id, message_id, id, extension_type, data, created_at, maker_type, maker_id, unique_key)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (tenant_id, message_id, unique_key) WHERE unique_key IS NOT NULL DO NOTHING";

/// The message and its session move on by one change of the message's extensions. The session is found by nothing but the
/// message, as when one is removed.
pub(in crate::postgres) const MOVE_ON: &str = "WITH changed AS (
    UPDATE messages m SET rev = $3, extension_count = m.extension_count + $5
    WHERE m.tenant_id = $1 AND m.id = $2
    RETURNING m.tenant_id, m.session_id
)
UPDATE sessions s SET rev = $3, updated_at = greatest(s.updated_at + interval '1 microsecond', $4)
FROM changed
WHERE s.tenant_id = changed.tenant_id AND s.id = changed.session_id";

/// Hangs the extension on its message.
pub(super) async fn add(lease: &mut Lease, new: &NewExtension) -> Result<AddOutcome, Failure> {
    let tenant = &new.tenant_id;
    let Some((message, rev)) = locked(lease, tenant, new.message_id).await? else {
        return Ok(AddOutcome::MessageMissing);
    };
    match known(lease, tenant, new.idempotency.as_ref()).await? {
        Known::Same(id) => return Ok(AddOutcome::replayed(message, ExtensionId::new(id))),
        Known::Other => return Ok(AddOutcome::KeyReused),
        Known::No => {}
    }
    if !new.precondition.holds(message.rev, None) {
        return Ok(AddOutcome::PreconditionFailed);
    }
    if message.is_deleted() {
        return Ok(AddOutcome::MessageDeleted);
    }
    if let Err(no_room) = find_room(&message.extensions, &new.extension_type, &new.data) {
        // A repeat takes none.
        let is_there = is_there(lease, new).await?;
        return Ok(if is_there { AddOutcome::AlreadyThere(message) } else { AddOutcome::NoRoom(no_room) });
    }
    if insert(lease, new).await? == 0 {
        return Ok(AddOutcome::AlreadyThere(message));
    }
    if let Some(key) = &new.idempotency {
        remember(lease, tenant, key, new.id.as_uuid(), new.created_at).await?;
    }
    let rev = rev.next();
    move_on(lease, tenant, new.message_id, rev, new.created_at, 1).await?;
    Ok(AddOutcome::added(new, message, rev))
}

async fn insert(lease: &mut Lease, new: &NewExtension) -> Result<usize, Failure> {
    let values = (
        new.tenant_id.as_str().into_sql::<Text>(),
        new.message_id.as_uuid().into_sql::<Uuid>(),
        new.id.as_uuid().into_sql::<Uuid>(),
        new.extension_type.as_str().into_sql::<Text>(),
        new.data.as_str().into_sql::<Text>(),
        to_pg(new.created_at).into_sql::<Timestamptz>(),
        new.maker.sender_type.as_str().into_sql::<Text>(),
        new.maker.id.as_str().into_sql::<Text>(),
        new.unique_key.as_ref().map(|key| key.as_bytes().as_slice()).into_sql::<Nullable<Binary>>(),
    );
    lease.execute("insert extension", Statement::<(), _>::new(INSERT, values), Loss::Nothing).await
}

/// Whether one with its unique key hangs on the message.
async fn is_there(lease: &mut Lease, new: &NewExtension) -> Result<bool, Failure> {
    let Some(key) = &new.unique_key else { return Ok(false) };
    let with_key = with_key(&new.tenant_id, new.message_id, key);
    let found: Vec<uuid::Uuid> = lease.load("find extension", with_key, Loss::Nothing).await?;
    Ok(!found.is_empty())
}

/// The id of the extension with this unique key.
pub(in crate::postgres) fn with_key<'q>(
    tenant: &'q TenantId,
    message: MessageId,
    key: &'q Digest,
) -> impl LoadQuery<'q, AsyncPgConnection, uuid::Uuid> + QueryFragment<Pg> + Send {
    message_extensions::table
        .filter(message_extensions::tenant_id.eq(tenant.as_str()))
        .filter(message_extensions::message_id.eq(message.as_uuid()))
        .filter(message_extensions::unique_key.eq(key.as_bytes().as_slice()))
        .select(message_extensions::id)
}

/// Takes the extension off its message.
pub(super) async fn remove(
    lease: &mut Lease,
    tenant: &TenantId,
    message_id: MessageId,
    detachment: &Detachment,
) -> Result<DetachOutcome, Failure> {
    let Some((message, rev)) = locked(lease, tenant, message_id).await? else {
        return Ok(DetachOutcome::MessageMissing);
    };
    if !detachment.precondition.holds(message.rev, None) {
        return Ok(DetachOutcome::PreconditionFailed);
    }
    if message.is_deleted() {
        return Ok(DetachOutcome::MessageDeleted);
    }
    let gone: Vec<uuid::Uuid> = match &detachment.which {
        Which::Id(id) => lease.load(DELETE, delete(tenant, message_id, *id), Loss::Nothing).await?,
        Which::UniqueKey(key) => lease.load(DELETE, delete_with_key(tenant, message_id, key), Loss::Nothing).await?,
    };
    let Some(gone) = gone.into_iter().next() else { return Ok(DetachOutcome::NotThere(message)) };
    let rev = rev.next();
    move_on(lease, tenant, message_id, rev, detachment.at, -1).await?;
    if let Some(entry) = &detachment.audit {
        record(lease, &[entry]).await?;
    }
    Ok(DetachOutcome::removed(message, ExtensionId::new(gone), rev))
}

/// Takes the extension out of its table.
pub(in crate::postgres) fn delete(
    tenant: &TenantId,
    message_id: MessageId,
    id: ExtensionId,
) -> impl LoadQuery<'_, AsyncPgConnection, uuid::Uuid> + QueryFragment<Pg> + Send {
    diesel::delete(message_extensions::table.find((tenant.as_str(), message_id.as_uuid(), id.as_uuid())))
        .returning(message_extensions::id)
}

/// The same by its unique key.
pub(in crate::postgres) fn delete_with_key<'q>(
    tenant: &'q TenantId,
    message: MessageId,
    key: &'q Digest,
) -> impl LoadQuery<'q, AsyncPgConnection, uuid::Uuid> + QueryFragment<Pg> + Send {
    let this = message_extensions::table
        .filter(message_extensions::tenant_id.eq(tenant.as_str()))
        .filter(message_extensions::message_id.eq(message.as_uuid()))
        .filter(message_extensions::unique_key.eq(key.as_bytes().as_slice()));
    diesel::delete(this).returning(message_extensions::id)
}

async fn move_on(
    lease: &mut Lease,
    tenant: &TenantId,
    message: MessageId,
    rev: Rev,
    at: Timestamp,
    more: i32,
) -> Result<(), Failure> {
    let values = (
        tenant.as_str().into_sql::<Text>(),
        message.as_uuid().into_sql::<Uuid>(),
        rev.get().into_sql::<BigInt>(),
        to_pg(at).into_sql::<Timestamptz>(),
        more.into_sql::<Integer>(),
    );
    lease.execute("move message on", Statement::<(), _>::new(MOVE_ON, values), Loss::Nothing).await.map(drop)
}
