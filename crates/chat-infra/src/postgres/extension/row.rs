//! The row of an extension.

use chat_domain::error::RepositoryError;
use chat_domain::extension::Extension;
use chat_domain::id::{ExtensionId, MessageId};
use diesel::Queryable;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Text, Timestamptz};
use uuid::Uuid;

use crate::postgres::row::{Broken, json, parsed};
use crate::postgres::time::from_pg;

/// The columns that make an extension, in the order of [`ExtensionColumns`].
pub(in crate::postgres) const EXTENSION_COLUMNS: &str = "e.message_id, e.id, e.extension_type, e.data, e.created_at";

/// In their place where there is none.
pub(in crate::postgres) const NO_EXTENSION: &str = "NULL::uuid, NULL::uuid, NULL::text, NULL::text, NULL::timestamptz";

/// Their types.
pub(in crate::postgres) type ExtensionColumns =
    (diesel::sql_types::Uuid, diesel::sql_types::Uuid, Text, Text, Timestamptz);

/// An extension as it is stored.
#[derive(Debug, Queryable)]
pub(in crate::postgres) struct ExtensionRow {
    message_id: Uuid,
    id: Uuid,
    extension_type: String,
    data: String,
    created_at: PgTimestamp,
}

impl ExtensionRow {
    /// The extension.
    pub(in crate::postgres) fn into_extension(self) -> Result<Extension, RepositoryError> {
        self.read().map_err(|broken| broken.in_a("extension"))
    }

    fn read(self) -> Result<Extension, Broken> {
        Ok(Extension {
            id: ExtensionId::new(self.id),
            message_id: MessageId::new(self.message_id),
            extension_type: parsed("extension_type", &self.extension_type)?,
            data: json("data", self.data)?,
            created_at: from_pg(self.created_at)?,
        })
    }
}
