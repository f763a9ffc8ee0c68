//! Attachments that are sent with a message, within the transaction that appends it.

use chat_domain::attachment::Attachment;
use chat_domain::error::RepositoryError;
use chat_domain::id::{AttachmentId, TenantId};
use chat_domain::message::{Message, NewMessage};
use diesel::prelude::*;

use super::keep::find;
use crate::sqlite::error::failed;
use crate::sqlite::schema::{attachments, message_extensions};
use crate::sqlite::traced::shown;
use crate::sqlite::update::update;
use crate::sqlite::value::StoredUuid;

/// The first of the message's attachments that is not there to be sent.
pub(in crate::sqlite) fn taken(
    connection: &mut SqliteConnection,
    new: &NewMessage,
) -> Result<Option<AttachmentId>, RepositoryError> {
    for enclosure in &new.enclosures {
        let found = find(connection, &new.tenant_id, enclosure.id)?;
        let is_free = |found: &Attachment| found.session_id == new.session_id && found.message_id.is_none();
        if !found.as_ref().is_some_and(is_free) {
            return Ok(Some(enclosure.id));
        }
    }
    Ok(None)
}

/// They hang on the message from now on.
pub(in crate::sqlite) fn send(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    message: &Message,
) -> Result<(), RepositoryError> {
    for extension in &message.extensions {
        let _shown = shown("send attachment");
        let id = StoredUuid(extension.id.as_uuid());
        let row = (
            message_extensions::tenant_id.eq(tenant.as_str()),
            message_extensions::message_id.eq(StoredUuid(message.id.as_uuid())),
            message_extensions::id.eq(id),
            message_extensions::extension_type.eq(extension.extension_type.as_str()),
            message_extensions::created_at.eq(extension.created_at.as_micros()),
            message_extensions::data.eq(extension.data.as_str()),
        );
        diesel::insert_into(message_extensions::table).values(row).execute(connection).map_err(failed)?;
        let this = attachments::tenant_id.eq(tenant.as_str()).and(attachments::id.eq(id));
        let sent = attachments::message_id.eq(Some(StoredUuid(message.id.as_uuid())));
        update(attachments::table, sent, this).execute(connection).map_err(failed)?;
    }
    Ok(())
}
