//! Hanging extensions on messages and taking them off, within the writer's transaction.

use chat_domain::error::RepositoryError;
use chat_domain::extension::{AddOutcome, DetachOutcome, Detachment, NewExtension, Which, find_room};
use chat_domain::id::{ExtensionId, MessageId, TenantId};
use chat_domain::idempotency::Digest;
use chat_domain::message::Message;
use chat_domain::revision::Rev;
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;

use crate::sqlite::audit::record;
use crate::sqlite::error::{failed, read_failed};
use crate::sqlite::head::SessionHead;
use crate::sqlite::idempotency::{Known, look, remember};
use crate::sqlite::message::find;
use crate::sqlite::schema::{message_extensions, messages};
use crate::sqlite::traced::shown;
use crate::sqlite::update::update;
use crate::sqlite::value::StoredUuid;

/// Hangs the extension on its message.
pub(super) fn add(connection: &mut SqliteConnection, new: &NewExtension) -> Result<AddOutcome, RepositoryError> {
    let tenant = &new.tenant_id;
    let Some(message) = find(connection, tenant, new.message_id)? else { return Ok(AddOutcome::MessageMissing) };
    match look(connection, tenant, new.idempotency.as_ref())? {
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
        let is_there = match &new.unique_key {
            Some(key) => with_key(connection, tenant, new.message_id, key)?.is_some(),
            None => false,
        };
        return Ok(if is_there { AddOutcome::AlreadyThere(message) } else { AddOutcome::NoRoom(no_room) });
    }
    if insert(connection, new)? == 0 {
        return Ok(AddOutcome::AlreadyThere(message));
    }
    if let Some(key) = &new.idempotency {
        remember(connection, tenant, key, new.id.as_uuid(), new.created_at)?;
    }
    let rev = move_on(connection, tenant, &message, message.extensions.len() + 1, new.created_at)?;
    Ok(AddOutcome::added(new, message, rev))
}

/// The index decides whether one with the same unique key is there, since no id is given twice; how many were stored.
fn insert(connection: &mut SqliteConnection, new: &NewExtension) -> Result<usize, RepositoryError> {
    let row = (
        message_extensions::tenant_id.eq(new.tenant_id.as_str()),
        message_extensions::message_id.eq(StoredUuid(new.message_id.as_uuid())),
        message_extensions::id.eq(StoredUuid(new.id.as_uuid())),
        message_extensions::extension_type.eq(new.extension_type.as_str()),
        message_extensions::created_at.eq(new.created_at.as_micros()),
        message_extensions::data.eq(new.data.as_str()),
        message_extensions::maker_type.eq(new.maker.sender_type.as_str()),
        message_extensions::maker_id.eq(new.maker.id.as_str()),
        message_extensions::unique_key.eq(new.unique_key.as_ref().map(|key| key.as_bytes().as_slice())),
    );
    let _shown = shown("insert extension");
    diesel::insert_into(message_extensions::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(connection)
        .map_err(failed)
}

/// The id of the extension with this unique key.
fn with_key(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    message: MessageId,
    key: &Digest,
) -> Result<Option<ExtensionId>, RepositoryError> {
    let _shown = shown("find extension");
    let found: Option<StoredUuid> = message_extensions::table
        .filter(message_extensions::tenant_id.eq(tenant.as_str()))
        .filter(message_extensions::message_id.eq(StoredUuid(message.as_uuid())))
        .filter(message_extensions::unique_key.eq(key.as_bytes().as_slice()))
        .select(message_extensions::id)
        .get_result(connection)
        .optional()
        .map_err(|error| read_failed("extension", error))?;
    Ok(found.map(|id| ExtensionId::new(id.0)))
}

/// Takes the extension off its message.
pub(super) fn remove(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    message_id: MessageId,
    detachment: &Detachment,
) -> Result<DetachOutcome, RepositoryError> {
    let Some(message) = find(connection, tenant, message_id)? else { return Ok(DetachOutcome::MessageMissing) };
    if !detachment.precondition.holds(message.rev, None) {
        return Ok(DetachOutcome::PreconditionFailed);
    }
    if message.is_deleted() {
        return Ok(DetachOutcome::MessageDeleted);
    }
    let id = match &detachment.which {
        Which::Id(id) => Some(*id),
        Which::UniqueKey(key) => with_key(connection, tenant, message_id, key)?,
    };
    let Some(id) = id else { return Ok(DetachOutcome::NotThere(message)) };
    let this = message_extensions::table
        .filter(message_extensions::tenant_id.eq(tenant.as_str()))
        .filter(message_extensions::message_id.eq(StoredUuid(message_id.as_uuid())))
        .filter(message_extensions::id.eq(StoredUuid(id.as_uuid())));
    let shown = shown("delete extension");
    let deleted = diesel::delete(this).execute(connection).map_err(failed)?;
    drop(shown);
    if deleted == 0 {
        return Ok(DetachOutcome::NotThere(message));
    }
    let count = message.extensions.len().saturating_sub(1);
    let rev = move_on(connection, tenant, &message, count, detachment.at)?;
    if let Some(entry) = &detachment.audit {
        record(connection, entry)?;
    }
    Ok(DetachOutcome::removed(message, id, rev))
}

/// Gives the message so many extensions and the session's next `rev`, which is returned.
fn move_on(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    message: &Message,
    count: usize,
    at: Timestamp,
) -> Result<Rev, RepositoryError> {
    let mut head = SessionHead::read(connection, tenant, message.session_id)?;
    head.move_on(at);
    head.write(connection, tenant, message.session_id)?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let changes = (messages::rev.eq(head.rev), messages::extension_count.eq(count));
    let this = messages::tenant_id.eq(tenant.as_str()).and(messages::id.eq(StoredUuid(message.id.as_uuid())));
    let _shown = shown("move message on");
    update(messages::table, changes, this).execute(connection).map_err(failed)?;
    Ok(Rev::new(head.rev))
}
