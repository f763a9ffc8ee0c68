//! Changes a message, and keeps the text that is replaced.

use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::message::{Edit, EditOutcome, Message};
use chat_domain::revision::Rev;
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;

use super::row::find;
use crate::sqlite::audit::record;
use crate::sqlite::error::{failed, read_failed};
use crate::sqlite::head::SessionHead;
use crate::sqlite::limit::at_most;
use crate::sqlite::schema::{message_edits, messages};
use crate::sqlite::traced::shown;
use crate::sqlite::update::update;
use crate::sqlite::value::StoredUuid;

pub(super) fn edit(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: MessageId,
    edit: &Edit,
) -> Result<EditOutcome, RepositoryError> {
    let Some(message) = find(connection, tenant, id)? else { return Ok(EditOutcome::Missing) };
    if !edit.precondition.holds(message.rev, None) {
        return Ok(EditOutcome::PreconditionFailed);
    }
    let mut head = SessionHead::read(connection, tenant, message.session_id)?;
    head.move_on(edit.at);
    let changed = match message.changed(&edit.change, Rev::new(head.rev), edit.at) {
        Err(refusal) => return Ok(EditOutcome::Refused(refusal)),
        Ok(None) => return Ok(EditOutcome::Unchanged(message)),
        Ok(Some(changed)) => changed,
    };
    head.write(connection, tenant, message.session_id)?;
    if changed.reads_other_than(&message) {
        keep(connection, tenant, &message, edit)?;
    }
    write(connection, tenant, &changed)?;
    if let Some(entry) = &edit.audit {
        record(connection, entry)?;
    }
    Ok(EditOutcome::Edited(changed))
}

/// Keeps the text that the edit replaces, as the next of the message's edits.
fn keep(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    message: &Message,
    edit: &Edit,
) -> Result<(), RepositoryError> {
    let id = StoredUuid(message.id.as_uuid());
    let found = shown("find last edit");
    let edits = message_edits::table
        .filter(message_edits::tenant_id.eq(tenant.as_str()))
        .filter(message_edits::message_id.eq(id))
        .order(message_edits::number.desc())
        .select(message_edits::number);
    let last: Option<i64> =
        at_most(1, edits).get_result(connection).optional().map_err(|error| read_failed("edit", error))?;
    drop(found);
    let row = (
        message_edits::tenant_id.eq(tenant.as_str()),
        message_edits::message_id.eq(id),
        message_edits::number.eq(last.unwrap_or(0) + 1),
        message_edits::id.eq(StoredUuid(edit.extension_id.as_uuid())),
        message_edits::edited_by.eq(edit.by.as_str()),
        message_edits::edited_at.eq(edit.at.as_micros()),
        message_edits::content.eq(message.content.as_str()),
    );
    let _shown = shown("insert edit");
    diesel::insert_into(message_edits::table).values(row).execute(connection).map(drop).map_err(failed)
}

/// Writes what an edit may have changed.
fn write(connection: &mut SqliteConnection, tenant: &TenantId, message: &Message) -> Result<(), RepositoryError> {
    let changes = (
        messages::rev.eq(message.rev.get()),
        messages::edited_at.eq(message.edited_at.map(Timestamp::as_micros)),
        messages::metadata.eq(message.metadata.as_str()),
        messages::content.eq(message.content.as_str()),
    );
    let this = messages::tenant_id.eq(tenant.as_str()).and(messages::id.eq(StoredUuid(message.id.as_uuid())));
    let _shown = shown("edit message");
    update(messages::table, changes, this).execute(connection).map(drop).map_err(failed)
}
