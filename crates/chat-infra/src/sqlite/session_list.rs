//! The statement behind the list of a user's sessions.
//!
//! It names its index: without statistics SQLite may think another one as good, which would make it sort or filter.

use chat_domain::id::TenantId;
use chat_domain::session::{SessionStatus, UserSessions};
use diesel::QueryResult;
use diesel::SelectableHelper as _;
use diesel::dsl::AsSelect;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};

use super::from_cursor::FromCursor;
use super::session::SessionRow;
use super::unread::UnreadColumn;

/// Selects one page's rows, and one more where there are more, each with what is unread of it.
pub(super) struct UserSessionRows<'a> {
    columns: AsSelect<SessionRow, Sqlite>,
    unread: UnreadColumn<'a>,
    tenant: &'a str,
    user: &'a str,
    status: Option<&'static str>,
    from: FromCursor,
}

impl<'a> UserSessionRows<'a> {
    pub(super) fn new(tenant: &'a TenantId, query: &'a UserSessions) -> Self {
        Self {
            columns: SessionRow::as_select(),
            unread: UnreadColumn::of(&query.reader),
            tenant: tenant.as_str(),
            user: query.user_id.as_str(),
            status: query.status.map(SessionStatus::as_str),
            from: FromCursor::new(query.cursor.as_ref(), query.limit),
        }
    }
}

impl QueryFragment<Sqlite> for UserSessionRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.unread.push(&mut out)?;
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
        self.from.push(&mut out)
    }
}

impl QueryId for UserSessionRows<'_> {
    type QueryId = ();
    // The text is the key of the statement cache: there are eight.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for UserSessionRows<'_> {
    type SqlType = (AsSelect<SessionRow, Sqlite>, BigInt);
}

impl diesel::RunQueryDsl<SqliteConnection> for UserSessionRows<'_> {}
