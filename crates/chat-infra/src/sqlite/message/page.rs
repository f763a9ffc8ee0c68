//! Reads a page of messages: a keyset walk along the index that holds just the messages that the page may show.
//!
//! The statements name their index. SQLite's planner cannot know how many messages are deleted or internal, and takes
//! the table itself for the cheaper way; where an index cannot serve, `INDEXED BY` fails instead of reading everything.

use chat_domain::access::View;
use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::message::{MessagePage, PageQuery, Window};
use chat_domain::query::Order;
use chat_domain::revision::Seq;
use diesel::dsl::AsSelect;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Text};
use diesel::sqlite::Sqlite;

use super::row::MessageRow;
use crate::sqlite::error::read_failed;
use crate::sqlite::session;
use crate::sqlite::traced::shown;
use crate::sqlite::value::StoredUuid;

/// The page and its session, in the read transaction that the caller has begun.
pub(super) fn page(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: SessionId,
    query: &PageQuery,
) -> Result<Option<MessagePage>, RepositoryError> {
    let Some(session) = session::find(connection, tenant, id)? else { return Ok(None) };
    let walk = Walk::new(tenant, id, query);
    let mut messages = Vec::new();
    if let Some(bounds) = bounds(connection, walk, query)? {
        let shown = shown("read page");
        let rows = PageRows::new(walk, bounds, query.limit).load::<MessageRow>(connection);
        drop(shown);
        for row in rows.map_err(|error| read_failed("message", error))? {
            messages.push(row.into_message(connection, tenant)?);
        }
    }
    Ok(Some(MessagePage::assemble(session, query, messages)))
}

/// The window as two exclusive bounds; `None` where it begins beyond the last message.
fn bounds(
    connection: &mut SqliteConnection,
    walk: Walk<'_>,
    query: &PageQuery,
) -> Result<Option<(i64, i64)>, RepositoryError> {
    let offset = match query.window {
        Window::Between { after, before } => {
            return Ok(Some((after.map_or(0, Seq::get), before.map_or(i64::MAX, Seq::get))));
        }
        Window::Offset(offset) => offset,
    };
    let _shown = shown("find start of page");
    let start = PageStart::new(walk, offset).get_result::<i64>(connection).optional();
    let start = start.map_err(|error| read_failed("message", error))?;
    Ok(start.map(|first| match walk.order {
        Order::Asc => (first - 1, i64::MAX),
        Order::Desc => (0, first + 1),
    }))
}

/// Which messages of which session, in which order.
#[derive(Debug, Clone, Copy)]
struct Walk<'a> {
    tenant: &'a str,
    session: StoredUuid,
    source: &'static str,
    filter: &'static str,
    order: Order,
}

impl<'a> Walk<'a> {
    fn new(tenant: &'a TenantId, session: SessionId, query: &PageQuery) -> Self {
        let (source, filter) = match (query.view, query.include_deleted) {
            (View::Full, true) => (" FROM messages", ""),
            (View::Full, false) => (" FROM messages INDEXED BY messages_live", " AND deleted_at IS NULL"),
            (View::Public, true) => (" FROM messages INDEXED BY messages_public", " AND visibility = 'public'"),
            (View::Public, false) => {
                (" FROM messages INDEXED BY messages_public_live", " AND deleted_at IS NULL AND visibility = 'public'")
            }
        };
        Self { tenant: tenant.as_str(), session: StoredUuid(session.as_uuid()), source, filter, order: query.walk() }
    }

    fn push_from<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(self.source);
        out.push_sql(" WHERE tenant_id = ");
        out.push_bind_param::<Text, _>(self.tenant)?;
        out.push_sql(" AND session_id = ");
        out.push_bind_param::<Binary, _>(&self.session)?;
        out.push_sql(self.filter);
        Ok(())
    }

    const fn order_by(&self) -> &'static str {
        match self.order {
            Order::Asc => " ORDER BY seq ASC LIMIT ",
            Order::Desc => " ORDER BY seq DESC LIMIT ",
        }
    }
}

/// Selects a page's rows, and one more where there are more.
struct PageRows<'a> {
    columns: AsSelect<MessageRow, Sqlite>,
    walk: Walk<'a>,
    after: i64,
    before: i64,
    limit: i64,
}

impl<'a> PageRows<'a> {
    fn new(walk: Walk<'a>, (after, before): (i64, i64), limit: u16) -> Self {
        Self { columns: MessageRow::as_select(), walk, after, before, limit: i64::from(limit) + 1 }
    }
}

impl QueryFragment<Sqlite> for PageRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        self.walk.push_from(&mut out)?;
        out.push_sql(" AND seq > ");
        out.push_bind_param::<BigInt, _>(&self.after)?;
        out.push_sql(" AND seq < ");
        out.push_bind_param::<BigInt, _>(&self.before)?;
        out.push_sql(self.walk.order_by());
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

/// Selects the `seq` at which a page with an offset begins. It reads the index alone, where one is named: to step over
/// whole rows would cost ten times as much.
struct PageStart<'a> {
    walk: Walk<'a>,
    offset: i64,
}

impl<'a> PageStart<'a> {
    fn new(walk: Walk<'a>, offset: u16) -> Self {
        Self { walk, offset: i64::from(offset) }
    }
}

impl QueryFragment<Sqlite> for PageStart<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT seq");
        self.walk.push_from(&mut out)?;
        out.push_sql(self.walk.order_by());
        out.push_sql("1 OFFSET ");
        out.push_bind_param::<BigInt, _>(&self.offset)
    }
}

// The texts are the keys of the statement cache: there are eight of each.
impl QueryId for PageRows<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryId for PageStart<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for PageRows<'_> {
    type SqlType = AsSelect<MessageRow, Sqlite>;
}

impl Query for PageStart<'_> {
    type SqlType = BigInt;
}

impl RunQueryDsl<SqliteConnection> for PageRows<'_> {}
impl RunQueryDsl<SqliteConnection> for PageStart<'_> {}
