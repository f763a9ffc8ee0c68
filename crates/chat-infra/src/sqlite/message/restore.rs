//! Makes a message of a tombstone again.

use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::message::{Message, Restoration, RestoreOutcome};
use diesel::prelude::*;

use super::row::find;
use crate::sqlite::audit::record;
use crate::sqlite::error::{failed, unreadable};
use crate::sqlite::head::SessionHead;
use crate::sqlite::idempotency::{Known, look, remember};
use crate::sqlite::schema::messages;
use crate::sqlite::traced::shown;
use crate::sqlite::update::update;
use crate::sqlite::value::StoredUuid;

pub(super) fn restore(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: MessageId,
    restoration: &Restoration,
) -> Result<RestoreOutcome, RepositoryError> {
    let Some(message) = find(connection, tenant, id)? else { return Ok(RestoreOutcome::Missing) };
    match look(connection, tenant, restoration.idempotency.as_ref())? {
        Known::No => {}
        Known::Other => return Ok(RestoreOutcome::KeyReused),
        Known::Same(_) => return Ok(RestoreOutcome::Replayed(message)),
    }
    if !restoration.precondition.holds(message.rev, None) {
        return Ok(RestoreOutcome::PreconditionFailed);
    }
    let outcome = if message.is_deleted() {
        RestoreOutcome::Restored(revive(connection, tenant, &message, restoration)?)
    } else {
        RestoreOutcome::Unchanged(message)
    };
    if let Some(key) = &restoration.idempotency {
        remember(connection, tenant, key, id.as_uuid(), restoration.at)?;
    }
    Ok(outcome)
}

/// Restores the tombstone, and gives what it is then.
fn revive(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    tombstone: &Message,
    restoration: &Restoration,
) -> Result<Message, RepositoryError> {
    let mut head = SessionHead::read(connection, tenant, tombstone.session_id)?;
    head.restore_message(tombstone.visibility, restoration.at);
    head.write(connection, tenant, tombstone.session_id)?;
    let changes = (messages::rev.eq(head.rev), messages::deleted_at.eq(None::<i64>));
    let this = messages::tenant_id.eq(tenant.as_str()).and(messages::id.eq(StoredUuid(tombstone.id.as_uuid())));
    let restoring = shown("restore message");
    update(messages::table, changes, this).execute(connection).map_err(failed)?;
    drop(restoring);
    if let Some(entry) = &restoration.audit {
        record(connection, entry)?;
    }
    let restored = find(connection, tenant, tombstone.id)?;
    restored.ok_or_else(|| unreadable("message")("it was there a moment ago".into()))
}
