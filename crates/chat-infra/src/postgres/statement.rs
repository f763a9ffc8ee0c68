//! Statements written in SQL, with typed values and typed rows, prepared once on each connection.
//!
//! Why not diesel's own: `sql_query` is prepared anew on each call, which costs a round trip, and its query builder
//! knows neither `UNNEST` with several arrays nor a comparison of rows.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// SQL with numbered placeholders (`$1`), the values for them, and the SQL type of its rows.
///
/// It has no static id, so connections know it by its text: the text must not depend on values.
#[derive(Debug)]
pub(super) struct Statement<Row, Values> {
    sql: Cow<'static, str>,
    values: Values,
    row: PhantomData<fn() -> Row>,
}

impl<Row, Values> Statement<Row, Values> {
    /// Values are a tuple of `value.into_sql::<Type>()`, `$1` first.
    pub(super) fn new(sql: impl Into<Cow<'static, str>>, values: Values) -> Self {
        Self { sql: sql.into(), values, row: PhantomData }
    }
}

impl<Row, Values: QueryFragment<Pg>> QueryFragment<Pg> for Statement<Row, Values> {
    /// diesel writes a placeholder of its own for each value; these go into a comment at the end, so that the text can
    /// name a value where it likes and as often as it likes.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(&self.sql);
        out.push_sql("\n-- ");
        self.values.walk_ast(out)
    }
}

impl<Row, Values> QueryId for Statement<Row, Values> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Row, Values> Query for Statement<Row, Values> {
    type SqlType = Row;
}

/// A field of each, for an array of values.
pub(super) fn each<'v, T, V>(all: &'v [T], field: impl Fn(&'v T) -> V) -> Vec<V> {
    all.iter().map(field).collect()
}

/// Where in such arrays stands what the row of an answer with this `ord` is about: SQL counts from 1.
pub(super) fn place(ord: i64) -> Option<usize> {
    usize::try_from(ord).ok()?.checked_sub(1)
}
