//! The statement behind the list of the audit.
//!
//! It names its index, for the reasons that the list of a user's sessions has; without a condition beside the tenant it
//! walks along the table itself, which is in that order.

use chat_domain::access::Action;
use chat_domain::audit::AuditQuery;
use chat_domain::id::{ParticipantId, TenantId};
use diesel::QueryResult;
use diesel::SelectableHelper as _;
use diesel::dsl::AsSelect;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteConnection};

use super::audit::AuditRow;
use super::from_cursor::FromCursor;

/// Selects one page's rows, and one more where there are more.
pub(super) struct AuditRows<'a> {
    columns: AsSelect<AuditRow, Sqlite>,
    tenant: &'a str,
    actor: Option<&'a str>,
    action: Option<&'static str>,
    from: FromCursor,
}

impl<'a> AuditRows<'a> {
    pub(super) fn new(tenant: &'a TenantId, query: &'a AuditQuery) -> Self {
        Self {
            columns: AuditRow::as_select(),
            tenant: tenant.as_str(),
            actor: query.actor.as_ref().map(ParticipantId::as_str),
            action: query.action.map(Action::as_str),
            from: FromCursor::new(query.cursor.as_ref(), query.limit),
        }
    }

    const fn source(&self) -> &'static str {
        match (self.actor, self.action) {
            (None, None) => " FROM audit_entries",
            (Some(_), None) => " FROM audit_entries INDEXED BY audit_entries_by_actor",
            (None, Some(_)) => " FROM audit_entries INDEXED BY audit_entries_by_action",
            (Some(_), Some(_)) => " FROM audit_entries INDEXED BY audit_entries_by_actor_and_action",
        }
    }
}

impl QueryFragment<Sqlite> for AuditRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(self.source());
        out.push_sql(" WHERE tenant_id = ");
        out.push_bind_param::<Text, _>(self.tenant)?;
        if let Some(actor) = &self.actor {
            out.push_sql(" AND actor_id = ");
            out.push_bind_param::<Text, _>(*actor)?;
        }
        if let Some(action) = &self.action {
            out.push_sql(" AND action = ");
            out.push_bind_param::<Text, _>(*action)?;
        }
        self.from.push(&mut out)
    }
}

impl QueryId for AuditRows<'_> {
    type QueryId = ();
    // The text is the key of the statement cache: there are eight.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for AuditRows<'_> {
    type SqlType = AsSelect<AuditRow, Sqlite>;
}

impl diesel::RunQueryDsl<SqliteConnection> for AuditRows<'_> {}
