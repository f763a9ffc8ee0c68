//! Reads what a message read before: a walk along the numbers of its edits.

use chat_domain::error::RepositoryError;
use chat_domain::id::{ExtensionId, MessageId, TenantId};
use chat_domain::message::{HistoryQuery, MessageHistory, TextEdit};
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::row::find;
use crate::sqlite::error::{read_failed, unreadable};
use crate::sqlite::schema::message_edits;
use crate::sqlite::traced::shown;
use crate::sqlite::value::{StoredUuid, Unreadable};

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = message_edits, check_for_backend(Sqlite))]
struct EditRow {
    number: i64,
    id: StoredUuid,
    edited_by: String,
    edited_at: i64,
    content: String,
}

impl EditRow {
    fn parse(self) -> Result<TextEdit, Unreadable> {
        Ok(TextEdit {
            number: self.number,
            id: ExtensionId::new(self.id.0),
            content: self.content,
            edited_by: self.edited_by.try_into()?,
            edited_at: Timestamp::from_micros(self.edited_at)?,
        })
    }
}

/// A page of the history, in the read transaction that the caller has begun.
pub(super) fn history(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: MessageId,
    query: &HistoryQuery,
) -> Result<Option<MessageHistory>, RepositoryError> {
    let Some(message) = find(connection, tenant, id)? else { return Ok(None) };
    let edits = if message.is_deleted() { Vec::new() } else { edits(connection, tenant, id, query)? };
    Ok(Some(MessageHistory::assemble(message, query, edits)))
}

fn edits(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: MessageId,
    query: &HistoryQuery,
) -> Result<Vec<TextEdit>, RepositoryError> {
    let (first, last) = query.edits();
    let shown = shown("read edits");
    let rows = message_edits::table
        .filter(message_edits::tenant_id.eq(tenant.as_str()))
        .filter(message_edits::message_id.eq(StoredUuid(id.as_uuid())))
        .filter(message_edits::number.ge(first))
        .filter(message_edits::number.le(last))
        .order(message_edits::number)
        .select(EditRow::as_select())
        .load(connection)
        .map_err(|error| read_failed("edit", error))?;
    drop(shown);
    rows.into_iter().map(EditRow::parse).collect::<Result<_, _>>().map_err(unreadable("edit"))
}
