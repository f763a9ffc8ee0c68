//! How a statement says how many rows it wants.
//!
//! SQLite looks at the value of a limit that is a bare parameter when it plans, and so prepares the statement anew
//! whenever one is bound, which costs more than to run it. Behind a sign it is an expression like any other. For the same
//! reason a row that has a whole key is asked for without a limit (`get_result`, where Diesel's `first` adds one).

use diesel::QueryResult;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;
use diesel::sqlite::{Sqlite, SqliteConnection};

/// Stands before a bound limit.
pub(super) const LIMIT: &str = " LIMIT +";

/// A query for so many rows.
#[derive(Debug)]
pub(super) struct AtMost<Q> {
    query: Q,
    limit: i64,
}

/// The first rows of a query, in its order.
pub(super) fn at_most<Q>(limit: i64, query: Q) -> AtMost<Q> {
    AtMost { query, limit }
}

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for AtMost<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(LIMIT);
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl<Q> QueryId for AtMost<Q> {
    type QueryId = ();
    // The text is the key of the statement cache.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for AtMost<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> diesel::RunQueryDsl<SqliteConnection> for AtMost<Q> {}
