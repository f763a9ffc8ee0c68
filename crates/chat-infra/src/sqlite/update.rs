//! An update that is prepared once.
//!
//! Diesel prepares its own anew on each call, since the changes may leave columns out, which would make many statements
//! of one. These always name the same columns; a connection knows the statement by its text.

use diesel::QueryResult;
use diesel::query_builder::{AsChangeset, AstPass, QueryFragment, QueryId};
use diesel::sqlite::{Sqlite, SqliteConnection};

/// Changes columns of the rows for which a condition holds.
#[derive(Debug)]
pub(super) struct Update<T, C, P> {
    table: T,
    changes: C,
    condition: P,
    index: &'static str,
}

impl<T, C, P> Update<T, C, P> {
    /// Finds the rows by this index, whatever else would serve.
    pub(super) fn indexed_by(self, index: &'static str) -> Self {
        Self { index, ..self }
    }
}

/// An update of a table.
pub(super) fn update<T, V, P>(table: T, changes: V, condition: P) -> Update<T, V::Changeset, P>
where
    V: AsChangeset<Target = T>,
{
    Update { table, changes: changes.as_changeset(), condition, index: "" }
}

impl<T, C, P> QueryFragment<Sqlite> for Update<T, C, P>
where
    T: QueryFragment<Sqlite>,
    C: QueryFragment<Sqlite>,
    P: QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.table.walk_ast(out.reborrow())?;
        if !self.index.is_empty() {
            out.push_sql(" INDEXED BY ");
            out.push_sql(self.index);
        }
        out.push_sql(" SET ");
        self.changes.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.condition.walk_ast(out)
    }
}

impl<T, C, P> QueryId for Update<T, C, P> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, C, P> diesel::RunQueryDsl<SqliteConnection> for Update<T, C, P> {}
