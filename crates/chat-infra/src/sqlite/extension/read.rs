//! Reading extensions, all of some messages or one with who made it.

use std::collections::HashMap;

use chat_domain::error::RepositoryError;
use chat_domain::extension::{Attached, Extension};
use chat_domain::id::{ExtensionId, MessageId, TenantId};
use chat_domain::message::Sender;
use chat_domain::metadata::Metadata;
use chat_domain::timestamp::Timestamp;
use diesel::dsl::AsSelect;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;

use crate::sqlite::error::{read_failed, unreadable};
use crate::sqlite::schema::{message_extensions, messages};
use crate::sqlite::traced::shown;
use crate::sqlite::value::{StoredUuid, Unreadable};

/// What an extension must know of the message that it hangs on.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = messages, check_for_backend(Sqlite))]
struct Bearer {
    deleted_at: Option<i64>,
    extension_count: i64,
}

impl Bearer {
    /// The message, where it is there and shows extensions.
    fn shows_extensions(
        connection: &mut SqliteConnection,
        tenant: &TenantId,
        id: MessageId,
    ) -> Result<bool, RepositoryError> {
        let _shown = shown("find message");
        let found: Option<Self> = messages::table
            .filter(messages::tenant_id.eq(tenant.as_str()))
            .filter(messages::id.eq(StoredUuid(id.as_uuid())))
            .select(Self::as_select())
            .get_result(connection)
            .optional()
            .map_err(|error| read_failed("message", error))?;
        Ok(found.is_some_and(|bearer| bearer.deleted_at.is_none() && bearer.extension_count > 0))
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = message_extensions, check_for_backend(Sqlite))]
struct ExtensionRow {
    message_id: StoredUuid,
    id: StoredUuid,
    extension_type: String,
    created_at: i64,
    data: String,
}

impl ExtensionRow {
    fn parse(self) -> Result<Extension, Unreadable> {
        Ok(Extension {
            id: ExtensionId::new(self.id.0),
            message_id: MessageId::new(self.message_id.0),
            extension_type: self.extension_type.parse()?,
            data: Metadata::from_stored(self.data)?,
            created_at: Timestamp::from_micros(self.created_at)?,
        })
    }
}

/// The row of an extension, with who made it.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = message_extensions, check_for_backend(Sqlite))]
struct AttachedRow {
    #[diesel(embed)]
    row: ExtensionRow,
    maker_type: Option<String>,
    maker_id: Option<String>,
}

impl AttachedRow {
    fn parse(self) -> Result<Attached, Unreadable> {
        let maker = match self.maker_type.zip(self.maker_id) {
            Some((maker_type, id)) => Some(Sender { sender_type: maker_type.parse()?, id: id.try_into()? }),
            None => None,
        };
        Ok(Attached { extension: self.row.parse()?, maker })
    }
}

/// What hangs on each of these messages, oldest first, whether it is a tombstone or not.
pub(in crate::sqlite) fn extensions_of(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, Vec<Extension>>, RepositoryError> {
    let messages = serde_json::to_string(messages).map_err(RepositoryError::internal)?;
    let shown = shown("list extensions");
    let hanging = Hanging { columns: ExtensionRow::as_select(), tenant: tenant.as_str(), messages };
    let rows = hanging.load::<ExtensionRow>(connection).map_err(|error| read_failed("extension", error))?;
    drop(shown);
    let mut found: HashMap<MessageId, Vec<Extension>> = HashMap::new();
    for row in rows {
        let extension = row.parse().map_err(unreadable("extension"))?;
        found.entry(extension.message_id).or_default().push(extension);
    }
    for extensions in found.values_mut() {
        extensions.sort_by_key(|extension| (extension.created_at, extension.id));
    }
    Ok(found)
}

/// Selects what hangs on messages, of however many by the same text, since their ids are one value: a list in JSON. The
/// join is told its order, since the planner cannot know how short the list is beside the table.
struct Hanging<'a> {
    columns: AsSelect<ExtensionRow, Sqlite>,
    tenant: &'a str,
    messages: String,
}

impl QueryFragment<Sqlite> for Hanging<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" FROM json_each(");
        out.push_bind_param::<Text, _>(&self.messages)?;
        out.push_sql(") AS listed CROSS JOIN message_extensions WHERE tenant_id = ");
        out.push_bind_param::<Text, _>(self.tenant)?;
        out.push_sql(" AND message_id = unhex(listed.value, '-')");
        Ok(())
    }
}

// The text is the key of the statement cache.
impl QueryId for Hanging<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Hanging<'_> {
    type SqlType = AsSelect<ExtensionRow, Sqlite>;
}

impl RunQueryDsl<SqliteConnection> for Hanging<'_> {}

/// One extension, with who made it.
pub(super) fn find(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    message: MessageId,
    id: ExtensionId,
) -> Result<Option<Attached>, RepositoryError> {
    if !Bearer::shows_extensions(connection, tenant, message)? {
        return Ok(None);
    }
    let _shown = shown("find extension");
    let row: Option<AttachedRow> = message_extensions::table
        .filter(message_extensions::tenant_id.eq(tenant.as_str()))
        .filter(message_extensions::message_id.eq(StoredUuid(message.as_uuid())))
        .filter(message_extensions::id.eq(StoredUuid(id.as_uuid())))
        .select(AttachedRow::as_select())
        .get_result(connection)
        .optional()
        .map_err(|error| read_failed("extension", error))?;
    row.map(AttachedRow::parse).transpose().map_err(unreadable("extension"))
}
