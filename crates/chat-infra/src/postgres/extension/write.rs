//! Adding and removing within a transaction.

use chat_domain::extension::{AddOutcome, Extension, NewExtension};
use chat_domain::id::{ExtensionId, MessageId, TenantId};
use chat_domain::revision::Rev;
use chat_domain::timestamp::Timestamp;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{BigInt, Integer, Text, Timestamptz, Uuid};
use diesel::{ExpressionMethods as _, IntoSql as _, QueryDsl as _};
use diesel_async::AsyncPgConnection;
use diesel_async::methods::ExecuteDsl;

use crate::postgres::error::{Failure, Loss};
use crate::postgres::lease::Lease;
use crate::postgres::message::remove::locked;
use crate::postgres::schema::message_extensions;
use crate::postgres::statement::Statement;
use crate::postgres::time::to_pg;

/// The message and its session move on by one change of the message's extensions. The session is found by nothing but the
/// message, as when one is removed.
pub(in crate::postgres) const MOVE_ON: &str = "WITH changed AS (
    UPDATE messages m SET rev = $3, extension_count = m.extension_count + $5
    WHERE m.tenant_id = $1 AND m.id = $2
    RETURNING m.tenant_id, m.session_id
)
UPDATE sessions s SET rev = $3, updated_at = greatest(s.updated_at, $4)
FROM changed
WHERE s.tenant_id = changed.tenant_id AND s.id = changed.session_id";

/// Hangs the extension on its message.
pub(super) async fn add(lease: &mut Lease, new: &NewExtension) -> Result<AddOutcome, Failure> {
    let Some((message, rev)) = locked(lease, &new.tenant_id, new.message_id).await? else {
        return Ok(AddOutcome::MessageMissing);
    };
    if message.is_deleted() {
        return Ok(AddOutcome::MessageDeleted);
    }
    if message.extensions.len() >= Extension::MAX_PER_MESSAGE {
        return Ok(AddOutcome::TooMany);
    }
    let row = diesel::insert_into(message_extensions::table).values((
        message_extensions::tenant_id.eq(new.tenant_id.as_str()),
        message_extensions::message_id.eq(new.message_id.as_uuid()),
        message_extensions::id.eq(new.id.as_uuid()),
        message_extensions::extension_type.eq(new.extension_type.as_str()),
        message_extensions::data.eq(new.data.as_str()),
        message_extensions::created_at.eq(to_pg(new.created_at)),
    ));
    lease.execute("insert extension", row, Loss::Nothing).await?;
    let rev = rev.next();
    move_on(lease, &new.tenant_id, new.message_id, rev, new.created_at, 1).await?;
    let extension = Extension {
        id: new.id,
        message_id: new.message_id,
        extension_type: new.extension_type.clone(),
        data: new.data.clone(),
        created_at: new.created_at,
    };
    Ok(AddOutcome::Added { extension, rev })
}

/// Takes the extension off its message, unless that is a tombstone; the `rev` that this took.
pub(super) async fn remove(
    lease: &mut Lease,
    tenant: &TenantId,
    message_id: MessageId,
    id: ExtensionId,
    at: Timestamp,
) -> Result<Option<Rev>, Failure> {
    let Some((message, rev)) = locked(lease, tenant, message_id).await? else { return Ok(None) };
    if message.is_deleted() {
        return Ok(None);
    }
    if lease.execute("delete extension", delete(tenant, message_id, id), Loss::Nothing).await? == 0 {
        return Ok(None);
    }
    let rev = rev.next();
    move_on(lease, tenant, message_id, rev, at, -1).await?;
    Ok(Some(rev))
}

/// Takes the extension out of its table.
pub(in crate::postgres) fn delete(
    tenant: &TenantId,
    message_id: MessageId,
    id: ExtensionId,
) -> impl ExecuteDsl<AsyncPgConnection> + QueryFragment<Pg> + Send {
    diesel::delete(message_extensions::table.find((tenant.as_str(), message_id.as_uuid(), id.as_uuid())))
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
