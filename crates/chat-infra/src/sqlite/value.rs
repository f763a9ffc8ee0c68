//! Column values that diesel has no SQLite type for, and how stored ones become the domain's.

use std::error::Error;

use chat_domain::timestamp::{InvalidTimestamp, Timestamp};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Binary;
use diesel::sqlite::{Sqlite, SqliteValue};
use uuid::Uuid;

/// Why a row could not be turned into its entity.
pub(super) type Unreadable = Box<dyn Error + Send + Sync>;

/// A UUID as its 16 bytes, whose order is that of the UUIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub(super) struct StoredUuid(pub(super) Uuid);

impl ToSql<Binary, Sqlite> for StoredUuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Binary, Sqlite> for StoredUuid {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.read_blob())?))
    }
}

/// A column that may be empty, as a point in time.
pub(super) fn time(micros: Option<i64>) -> Result<Option<Timestamp>, InvalidTimestamp> {
    micros.map(Timestamp::from_micros).transpose()
}
