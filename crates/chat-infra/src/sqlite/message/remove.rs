//! Makes a message a tombstone.

use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::message::{Message, Removal, RemoveOutcome};
use chat_domain::revision::Rev;
use diesel::prelude::*;

use super::row::find;
use crate::sqlite::audit::record;
use crate::sqlite::error::failed;
use crate::sqlite::head::SessionHead;
use crate::sqlite::schema::messages;
use crate::sqlite::traced::shown;
use crate::sqlite::update::update;
use crate::sqlite::value::StoredUuid;

pub(super) fn remove(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: MessageId,
    removal: &Removal,
) -> Result<RemoveOutcome, RepositoryError> {
    let Some(message) = find(connection, tenant, id)? else { return Ok(RemoveOutcome::Missing) };
    if !removal.precondition.holds(message.rev, None) {
        return Ok(RemoveOutcome::PreconditionFailed);
    }
    if message.is_deleted() {
        return Ok(RemoveOutcome::AlreadyRemoved(message));
    }
    let mut head = SessionHead::read(connection, tenant, message.session_id)?;
    head.remove_message(message.visibility, removal.at);
    head.write(connection, tenant, message.session_id)?;
    let changes = (messages::rev.eq(head.rev), messages::deleted_at.eq(removal.at.as_micros()));
    let this = messages::tenant_id.eq(tenant.as_str()).and(messages::id.eq(StoredUuid(id.as_uuid())));
    let _shown = shown("remove message");
    update(messages::table, changes, this).execute(connection).map_err(failed)?;
    if let Some(entry) = &removal.audit {
        record(connection, entry)?;
    }
    let tombstone = Message { rev: Rev::new(head.rev), deleted_at: Some(removal.at), ..message };
    Ok(RemoveOutcome::Removed(tombstone.shown()))
}
