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
    /// The message, where it shows something that hangs on it.
    fn bearer(&self) -> Option<MessageId> {
        (self.deleted_at.is_none() && self.extension_count > 0).then(|| MessageId::new(self.id.0))
    }

    /// The message as it is shown, still without what hangs on it.
    fn into_bare(self) -> Result<Message, RepositoryError> {
        Ok(self.parse().map_err(unreadable("message"))?.shown())
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

/// The messages of these rows as they are shown. What hangs on them is read by one statement for all, and by none where
/// nothing hangs on any.
pub(super) fn all_shown(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    rows: Vec<MessageRow>,
) -> Result<Vec<Message>, RepositoryError> {
    let bearers: Vec<_> = rows.iter().filter_map(MessageRow::bearer).collect();
    let mut messages = rows.into_iter().map(MessageRow::into_bare).collect::<Result<Vec<_>, _>>()?;
    hang(connection, tenant, &bearers, &mut messages)?;
    Ok(messages)
}

/// The same for one.
pub(super) fn one_shown(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    row: MessageRow,
) -> Result<Message, RepositoryError> {
    let bearer = row.bearer();
    let mut message = row.into_bare()?;
    hang(connection, tenant, bearer.as_slice(), std::slice::from_mut(&mut message))?;
    Ok(message)
}

/// Gives those of the messages that bear something what they bear.
fn hang(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    bearers: &[MessageId],
    messages: &mut [Message],
) -> Result<(), RepositoryError> {
    if bearers.is_empty() {
        return Ok(());
    }
    let mut found = extensions_of(connection, tenant, bearers)?;
    for message in messages {
        message.extensions = found.remove(&message.id).unwrap_or_default();
    }
    Ok(())
}

/// The message or its tombstone, within whatever transaction there is.
pub(in crate::sqlite) fn find(
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
    row.map(|row| one_shown(connection, tenant, row)).transpose()
}
