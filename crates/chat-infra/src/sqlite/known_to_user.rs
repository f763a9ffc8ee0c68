//! What receipts ask of messages, so that a user learns no more of a session than it sees: the last message that is for its
//! eyes, and whether an agent has spoken to it.

use chat_domain::id::ParticipantId;
use chat_domain::session::SessionKey;
use diesel::QueryResult;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};

use super::value::StoredUuid;

/// Selects the `seq` of the last public message, deleted or not; 0 where there is none. Two ends of walks along the index
/// of kinds.
pub(super) struct LastPublic<'a> {
    tenant: &'a str,
    session: StoredUuid,
}

impl<'a> LastPublic<'a> {
    pub(super) fn of(session: &'a SessionKey) -> Self {
        Self { tenant: session.tenant_id.as_str(), session: StoredUuid(session.id.as_uuid()) }
    }

    fn push_last<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>, is_live: &'static str) -> QueryResult<()> {
        out.push_sql("coalesce((SELECT max(seq) FROM messages INDEXED BY messages_by_kind WHERE tenant_id = ");
        out.push_bind_param::<Text, _>(self.tenant)?;
        out.push_sql(" AND session_id = ");
        out.push_bind_param::<Binary, _>(&self.session)?;
        out.push_sql(" AND visibility = 'public' AND (deleted_at IS NULL) = ");
        out.push_sql(is_live);
        out.push_sql("), 0)");
        Ok(())
    }
}

impl QueryFragment<Sqlite> for LastPublic<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT max(");
        self.push_last(&mut out, "1")?;
        out.push_sql(", ");
        self.push_last(&mut out, "0")?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for LastPublic<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for LastPublic<'_> {
    type SqlType = BigInt;
}

impl diesel::RunQueryDsl<SqliteConnection> for LastPublic<'_> {}

/// Selects whether an agent has a public message in the session that is not deleted, in the words of the index of senders.
pub(super) struct HasSpoken<'a> {
    tenant: &'a str,
    session: StoredUuid,
    agent: &'a str,
}

impl<'a> HasSpoken<'a> {
    pub(super) fn of(session: &'a SessionKey, agent: &'a ParticipantId) -> Self {
        Self { tenant: session.tenant_id.as_str(), session: StoredUuid(session.id.as_uuid()), agent: agent.as_str() }
    }
}

impl QueryFragment<Sqlite> for HasSpoken<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT EXISTS (SELECT 1 FROM messages INDEXED BY messages_by_sender WHERE tenant_id = ");
        out.push_bind_param::<Text, _>(self.tenant)?;
        out.push_sql(" AND session_id = ");
        out.push_bind_param::<Binary, _>(&self.session)?;
        out.push_sql(" AND visibility = 'public' AND sender_type = 'agent' AND sender_id = ");
        out.push_bind_param::<Text, _>(self.agent)?;
        out.push_sql(" AND deleted_at IS NULL AND sender_type <> 'system')");
        Ok(())
    }
}

impl QueryId for HasSpoken<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for HasSpoken<'_> {
    type SqlType = Bool;
}

impl diesel::RunQueryDsl<SqliteConnection> for HasSpoken<'_> {}
