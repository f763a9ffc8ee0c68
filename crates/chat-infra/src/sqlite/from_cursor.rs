//! The part of a statement that begins a list at a cursor: by time and then by id, so many rows.
//!
//! Without a cursor the walk begins beyond the newest place that can be, so that one shape serves every page.

use chat_domain::cursor::{Cursor, CursorDirection};
use diesel::QueryResult;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Binary};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use super::limit::LIMIT;
use super::value::StoredUuid;

/// Where a page of a list begins, and how far it goes.
pub(super) struct FromCursor {
    direction: CursorDirection,
    created_at: i64,
    id: StoredUuid,
    limit: i64,
}

impl FromCursor {
    /// One row more than the limit, where there is one.
    pub(super) fn new<I: Into<Uuid> + Copy>(cursor: Option<&Cursor<I>>, limit: u16) -> Self {
        let newest = (CursorDirection::Older, i64::MAX, Uuid::max());
        let place = |cursor: &Cursor<I>| (cursor.direction, cursor.created_at.as_micros(), cursor.id.into());
        let (direction, created_at, id) = cursor.map_or(newest, place);
        Self { direction, created_at, id: StoredUuid(id), limit: i64::from(limit) + 1 }
    }

    /// Writes it, as the last of the conditions and what follows them.
    pub(super) fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let (beyond, order) = match self.direction {
            CursorDirection::Older => (" AND (created_at, id) < (", " DESC"),
            CursorDirection::Newer => (" AND (created_at, id) > (", " ASC"),
        };
        out.push_sql(beyond);
        out.push_bind_param::<BigInt, _>(&self.created_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Binary, _>(&self.id)?;
        out.push_sql(") ORDER BY created_at");
        out.push_sql(order);
        out.push_sql(", id");
        out.push_sql(order);
        out.push_sql(LIMIT);
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}
