//! One extension, with who made it.

use chat_domain::error::RepositoryError;
use chat_domain::extension::Attached;
use chat_domain::id::{ExtensionId, MessageId, TenantId};
use chat_domain::message::Sender;
use diesel::IntoSql as _;
use diesel::sql_types::{Nullable, Text, Uuid};

use super::row::{EXTENSION_COLUMNS, ExtensionColumns, ExtensionRow};
use crate::postgres::pool::PgPool;
use crate::postgres::row::{Broken, parsed};
use crate::postgres::statement::Statement;

type MadeColumns = (ExtensionColumns, Nullable<Text>, Nullable<Text>);
type MadeRow = (ExtensionRow, Option<String>, Option<String>);

/// Whether the message is a tombstone is looked at by its id alone, whatever index leaves tombstones out.
pub(in crate::postgres) fn find_sql() -> String {
    format!(
        "SELECT {EXTENSION_COLUMNS}, e.maker_type, e.maker_id FROM message_extensions e \
         WHERE e.tenant_id = $1 AND e.message_id = $2 AND e.id = $3 \
         AND (SELECT m.deleted_at FROM messages m WHERE m.tenant_id = $1 AND m.id = $2) IS NULL"
    )
}

/// The extension, unless its message is a tombstone.
pub(super) async fn find(
    pool: &PgPool,
    tenant: &TenantId,
    message: MessageId,
    id: ExtensionId,
) -> Result<Option<Attached>, RepositoryError> {
    let statement = || {
        let ids = (message.as_uuid().into_sql::<Uuid>(), id.as_uuid().into_sql::<Uuid>());
        Statement::<MadeColumns, _>::new(find_sql(), (tenant.as_str().into_sql::<Text>(), ids.0, ids.1))
    };
    let rows: Vec<MadeRow> = pool.read("find extension", statement).await?;
    let Some((row, maker_type, maker_id)) = rows.into_iter().next() else { return Ok(None) };
    let extension = row.into_extension()?;
    let maker = maker_type.zip(maker_id).map(|(maker_type, id)| maker(&maker_type, &id)).transpose();
    Ok(Some(Attached { extension, maker: maker.map_err(|broken| broken.in_a("extension"))? }))
}

fn maker(maker_type: &str, id: &str) -> Result<Sender, Broken> {
    Ok(Sender { sender_type: parsed("maker_type", maker_type)?, id: parsed("maker_id", id)? })
}
