//! The statement behind the list of a user's sessions.
//!
//! It names its index: without statistics SQLite may think another one as good, which would make it sort or filter.
//! Without a cursor the walk begins beyond the newest place that can be, so that one shape serves every page.

use chat_domain::id::TenantId;
use chat_domain::session::{CursorDirection, SessionStatus, UserSessions};
use diesel::QueryResult;
use diesel::SelectableHelper as _;
use diesel::dsl::AsSelect;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use uuid::Uuid;

use super::session::SessionRow;
use super::value::StoredUuid;

/// Selects one page's rows, and one more where there are more.
pub(super) struct UserSessionRows<'a> {
    columns: AsSelect<SessionRow, Sqlite>,
    tenant: &'a str,
    user: &'a str,
    status: Option<&'static str>,
    direction: CursorDirection,
    created_at: i64,
    id: StoredUuid,
    limit: i64,
}

impl<'a> UserSessionRows<'a> {
    pub(super) fn new(tenant: &'a TenantId, query: &'a UserSessions) -> Self {
        let (created_at, id) = match query.cursor {
            Some(cursor) => (cursor.created_at.as_micros(), cursor.id.as_uuid()),
            None => (i64::MAX, Uuid::max()),
        };
        Self {
            columns: SessionRow::as_select(),
            tenant: tenant.as_str(),
            user: query.user_id.as_str(),
            status: query.status.map(SessionStatus::as_str),
            direction: query.direction(),
            created_at,
            id: StoredUuid(id),
            limit: i64::from(query.limit) + 1,
        }
    }
}

impl QueryFragment<Sqlite> for UserSessionRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let (beyond, order) = match self.direction {
            CursorDirection::Older => (" AND (created_at, id) < (", " DESC"),
            CursorDirection::Newer => (" AND (created_at, id) > (", " ASC"),
        };
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(match self.status {
            None => " FROM sessions INDEXED BY sessions_by_user",
            Some(_) => " FROM sessions INDEXED BY sessions_by_user_and_status",
        });
        out.push_sql(" WHERE tenant_id = ");
        out.push_bind_param::<Text, _>(self.tenant)?;
        out.push_sql(" AND user_id = ");
        out.push_bind_param::<Text, _>(self.user)?;
        if let Some(status) = &self.status {
            out.push_sql(" AND status = ");
            out.push_bind_param::<Text, _>(*status)?;
        }
        out.push_sql(beyond);
        out.push_bind_param::<BigInt, _>(&self.created_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Binary, _>(&self.id)?;
        out.push_sql(") ORDER BY created_at");
        out.push_sql(order);
        out.push_sql(", id");
        out.push_sql(order);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl QueryId for UserSessionRows<'_> {
    type QueryId = ();
    // The text is the key of the statement cache: there are four.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for UserSessionRows<'_> {
    type SqlType = AsSelect<SessionRow, Sqlite>;
}

impl diesel::RunQueryDsl<SqliteConnection> for UserSessionRows<'_> {}
