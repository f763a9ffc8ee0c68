//! Reading what a message read before, with the message and what hangs on it: one statement, so that all of it is of one
//! moment. Its rows are of several kinds, as those of a page.

use chat_domain::error::RepositoryError;
use chat_domain::id::{ExtensionId, MessageId, TenantId};
use chat_domain::message::{HistoryQuery, MessageHistory, TextEdit};
use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid};
use diesel::{IntoSql as _, Queryable};

use super::read::{MixedColumns, MixedRow, assemble};
use super::row::{MESSAGE_COLUMNS, NO_MESSAGE};
use crate::postgres::extension::row::{EXTENSION_COLUMNS, NO_EXTENSION};
use crate::postgres::pool::PgPool;
use crate::postgres::row::{Broken, parsed};
use crate::postgres::session::row::NO_SESSION;
use crate::postgres::statement::Statement;
use crate::postgres::time::from_pg;

/// The columns that make an edit, in the order of [`EditColumns`].
const EDIT_COLUMNS: &str = "t.number, t.id, t.content, t.edited_by, t.edited_at";

/// In their place where there is none.
const NO_EDIT: &str = "NULL::bigint, NULL::uuid, NULL::text, NULL::text, NULL::timestamptz";

type EditColumns = (BigInt, Uuid, Text, Text, Timestamptz);

/// An edit as it is stored.
#[derive(Debug, Queryable)]
struct EditRow {
    number: i64,
    id: uuid::Uuid,
    content: String,
    edited_by: String,
    edited_at: PgTimestamp,
}

impl EditRow {
    fn read(self) -> Result<TextEdit, Broken> {
        Ok(TextEdit {
            number: self.number,
            id: ExtensionId::new(self.id),
            content: self.content,
            edited_by: parsed("edited_by", &self.edited_by)?,
            edited_at: from_pg(self.edited_at)?,
        })
    }
}

/// A page of the history.
pub(super) async fn history(
    pool: &PgPool,
    tenant: &TenantId,
    id: MessageId,
    query: &HistoryQuery,
) -> Result<Option<MessageHistory>, RepositoryError> {
    let rows: Vec<(MixedRow, Option<EditRow>)> = pool.read("read history", || statement(tenant, id, query)).await?;
    let (mut mixed, mut edits) = (Vec::new(), Vec::new());
    for (row, edit) in rows {
        match edit {
            Some(edit) => edits.push(edit.read().map_err(|broken| broken.in_a("edit"))?),
            None => mixed.push(row),
        }
    }
    // The rows come in no particular order.
    edits.sort_unstable_by_key(|edit| edit.number);
    let (_, messages) = assemble(tenant, mixed)?;
    Ok(messages.into_iter().next().map(|message| MessageHistory::assemble(message, query, edits)))
}

fn statement<'q>(
    tenant: &'q TenantId,
    id: MessageId,
    query: &HistoryQuery,
) -> Statement<(MixedColumns, Nullable<EditColumns>), impl QueryFragment<Pg> + Send + use<'q>> {
    let (first, last) = query.edits();
    let values = (
        tenant.as_str().into_sql::<Text>(),
        id.as_uuid().into_sql::<Uuid>(),
        first.into_sql::<BigInt>(),
        last.into_sql::<BigInt>(),
    );
    Statement::new(history_sql(), values)
}

/// Of a tombstone nothing is read but itself.
pub(in crate::postgres) fn history_sql() -> String {
    format!(
        "WITH m AS MATERIALIZED (\
             SELECT {MESSAGE_COLUMNS}, m.tenant_id, m.extension_count FROM messages m \
             WHERE m.tenant_id = $1 AND m.id = $2\
         ) \
         SELECT {NO_SESSION}, {MESSAGE_COLUMNS}, {NO_EXTENSION}, {NO_EDIT} FROM m \
         UNION ALL \
         SELECT {NO_SESSION}, {NO_MESSAGE}, {EXTENSION_COLUMNS}, {NO_EDIT} FROM m \
         JOIN message_extensions e ON e.tenant_id = m.tenant_id AND e.message_id = m.id \
         WHERE m.extension_count > 0 AND m.deleted_at IS NULL \
         UNION ALL \
         SELECT {NO_SESSION}, {NO_MESSAGE}, {NO_EXTENSION}, {EDIT_COLUMNS} FROM m \
         JOIN message_edits t ON t.tenant_id = m.tenant_id AND t.message_id = m.id \
         WHERE m.deleted_at IS NULL AND t.number BETWEEN $3 AND $4"
    )
}
