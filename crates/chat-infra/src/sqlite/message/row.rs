//! A message's row and what becomes of it on the way out.

use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, SessionId, TenantId};
use chat_domain::message::{Message, Sender};
use chat_domain::metadata::Metadata;
use chat_domain::revision::{Rev, Seq};
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use crate::sqlite::error::{read_failed, unreadable};
use crate::sqlite::extension::extensions_of;
use crate::sqlite::schema::messages;
use crate::sqlite::traced::shown;
use crate::sqlite::value::{StoredUuid, Unreadable, time};

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = messages, check_for_backend(Sqlite))]
pub(in crate::sqlite) struct MessageRow {
    session_id: StoredUuid,
    seq: i64,
    id: StoredUuid,
    rev: i64,
    sender_type: String,
    sender_id: String,
    message_type: String,
    visibility: String,
    reply_to: Option<StoredUuid>,
    created_at: i64,
    edited_at: Option<i64>,
    deleted_at: Option<i64>,
    extension_count: i64,
    metadata: String,
    content: String,
}

impl MessageRow {
    /// The message as it is shown, with what hangs on it.
    pub(super) fn into_message(
        self,
        connection: &mut SqliteConnection,
        tenant: &TenantId,
    ) -> Result<Message, RepositoryError> {
        let bears = self.deleted_at.is_none() && self.extension_count > 0;
        let mut message = self.parse().map_err(unreadable("message"))?.shown();
        if bears {
            message.extensions = extensions_of(connection, tenant, message.id)?;
        }
        Ok(message)
    }

    fn parse(self) -> Result<Message, Unreadable> {
        Ok(Message {
            id: MessageId::new(self.id.0),
            session_id: SessionId::new(self.session_id.0),
            seq: Seq::new(self.seq),
            rev: Rev::new(self.rev),
            sender: Sender { sender_type: self.sender_type.parse()?, id: self.sender_id.try_into()? },
            content: self.content,
            message_type: self.message_type.parse()?,
            metadata: Metadata::from_stored(self.metadata)?,
            reply_to: self.reply_to.map(|id| MessageId::new(id.0)),
            visibility: self.visibility.parse()?,
            created_at: Timestamp::from_micros(self.created_at)?,
            edited_at: time(self.edited_at)?,
            deleted_at: time(self.deleted_at)?,
            extensions: Vec::new(),
        })
    }
}

/// The message or its tombstone, within whatever transaction there is.
pub(super) fn find(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Option<Message>, RepositoryError> {
    let shown = shown("find message");
    let row = messages::table
        .filter(messages::tenant_id.eq(tenant.as_str()))
        .filter(messages::id.eq(StoredUuid(id.as_uuid())))
        .select(MessageRow::as_select())
        .get_result(connection)
        .optional()
        .map_err(|error| read_failed("message", error))?;
    drop(shown);
    row.map(|row| row.into_message(connection, tenant)).transpose()
}
