//! Reads a page of messages: a keyset walk along the index that has the messages of a kind side by side. A page that
//! shows several kinds is merged from as many walks, which SQLite does row by row, without sorting.
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

use super::row::{MessageRow, all_shown};
use crate::sqlite::error::read_failed;
use crate::sqlite::limit::LIMIT;
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
    let rows = match bounds(connection, walk, query)? {
        Some(bounds) => {
            let _shown = shown("read page");
            PageRows::new(walk, bounds, query.limit).load(connection).map_err(|error| read_failed("message", error))?
        }
        None => Vec::new(),
    };
    Ok(Some(MessagePage::assemble(session, query, all_shown(connection, tenant, rows)?)))
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
    ways: &'static [Way],
    order: Order,
}

/// A way through messages of a session, in order.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Along the table.
    All,
    /// Along the index, where these conditions hold.
    Kind(&'static str),
}

const PUBLIC: Way = Way::Kind(" AND visibility = 'public' AND (deleted_at IS NULL) = 1");
const INTERNAL: Way = Way::Kind(" AND visibility = 'internal' AND (deleted_at IS NULL) = 1");
const PUBLIC_DELETED: Way = Way::Kind(" AND visibility = 'public' AND (deleted_at IS NULL) = 0");

impl<'a> Walk<'a> {
    fn new(tenant: &'a TenantId, session: SessionId, query: &PageQuery) -> Self {
        let ways: &[Way] = match (query.view, query.include_deleted) {
            (View::Full, true) => &[Way::All],
            (View::Full, false) => &[PUBLIC, INTERNAL],
            (View::Public, true) => &[PUBLIC, PUBLIC_DELETED],
            (View::Public, false) => &[PUBLIC],
        };
        Self { tenant: tenant.as_str(), session: StoredUuid(session.as_uuid()), ways, order: query.walk() }
    }

    /// Writes what is selected of each way, up to the limit.
    fn push_each<'b>(
        &'b self,
        mut out: AstPass<'_, 'b, Sqlite>,
        select: impl Fn(AstPass<'_, 'b, Sqlite>) -> QueryResult<()>,
        bounds: Option<(&'b i64, &'b i64)>,
    ) -> QueryResult<()> {
        for (place, way) in self.ways.iter().enumerate() {
            out.push_sql(if place == 0 { "SELECT " } else { " UNION ALL SELECT " });
            select(out.reborrow())?;
            self.push_from(*way, &mut out)?;
            if let Some((after, before)) = bounds {
                out.push_sql(" AND seq > ");
                out.push_bind_param::<BigInt, _>(after)?;
                out.push_sql(" AND seq < ");
                out.push_bind_param::<BigInt, _>(before)?;
            }
        }
        out.push_sql(match self.order {
            Order::Asc => " ORDER BY seq ASC",
            Order::Desc => " ORDER BY seq DESC",
        });
        Ok(())
    }

    fn push_from<'b>(&'b self, way: Way, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let (source, conditions) = match way {
            Way::All => (" FROM messages", ""),
            Way::Kind(conditions) => (" FROM messages INDEXED BY messages_by_kind", conditions),
        };
        out.push_sql(source);
        out.push_sql(" WHERE tenant_id = ");
        out.push_bind_param::<Text, _>(self.tenant)?;
        out.push_sql(" AND session_id = ");
        out.push_bind_param::<Binary, _>(&self.session)?;
        out.push_sql(conditions);
        Ok(())
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
        let bounds = Some((&self.after, &self.before));
        self.walk.push_each(out.reborrow(), |out| self.columns.walk_ast(out), bounds)?;
        out.push_sql(LIMIT);
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
        let seq = |mut out: AstPass<'_, 'b, Sqlite>| {
            out.push_sql("seq");
            Ok(())
        };
        self.walk.push_each(out.reborrow(), seq, None)?;
        out.push_sql(" LIMIT 1 OFFSET ");
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
