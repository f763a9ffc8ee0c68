//! Counting what somebody has not read, as a part of a statement that reads sessions.
//!
//! Where few messages lie above what was read, they are looked at one by one, along the table. Where many do, most may be
//! the reader's own or the platform's: then the others are counted sender by sender, along the index that has those side by
//! side and the platform's not at all. Either way no more is looked at than can be counted, and two places for each sender.
//! Where there are too many senders for that, what can be counted seldom lies far apart: the table is walked through.

use async_trait::async_trait;
use chat_domain::access::View;
use chat_domain::error::RepositoryError;
use chat_domain::participant::{Reader, Unread, UnreadCount, UnreadCounts};
use chat_domain::revision::{Rev, Revision};
use chat_domain::session::SessionKey;
use chat_domain::timestamp::Timestamp;
use diesel::QueryResult;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Text};
use diesel::sqlite::Sqlite;

use super::SqliteStore;
use super::error::{read_failed, unreadable};
use super::store::Threads;
use super::traced::shown;
use super::value::StoredUuid;
use crate::operation::{Observed, Operation};

/// So many senders of each side and visibility are asked for one by one.
const SENDERS: u8 = 25;

/// The counts of an SQLite store.
pub struct SqliteUnread {
    threads: Observed<Threads>,
}

impl SqliteUnread {
    /// The counts of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { threads: store.observed.clone() }
    }
}

#[async_trait]
impl UnreadCounts for SqliteUnread {
    async fn unread(
        &self,
        reader: &Reader,
        sessions: Vec<(SessionKey, Revision)>,
    ) -> Result<Vec<Option<Unread>>, RepositoryError> {
        let (reader, call) = (reader.clone(), Operation::ParticipantsUnread.of(sessions.len()));
        let count = move |connection: &mut _| {
            sessions.iter().map(|(session, _)| unread(connection, session, &reader)).collect()
        };
        self.threads.run(call, |to| to.readers.read(count)).await
    }
}

fn unread(
    connection: &mut SqliteConnection,
    session: &SessionKey,
    reader: &Reader,
) -> Result<Option<Unread>, RepositoryError> {
    let _shown = shown("count unread");
    let count = SessionCount { session, id: StoredUuid(session.id.as_uuid()), unread: UnreadColumn::of(reader) };
    let found = count.get_result::<(i64, i64, i64)>(connection).optional();
    let Some((rev, updated_at, count)) = found.map_err(|error| read_failed("session", error))? else { return Ok(None) };
    let updated_at = Timestamp::from_micros(updated_at).map_err(|error| unreadable("session")(error.into()))?;
    // A file loses nothing that was answered.
    let (revision, count) = (Revision { rev: Rev::new(rev), updated_at }, counted(count)?);
    Ok(Some(Unread { revision, count, may_be_kept: true }))
}

/// A count that was read.
pub(super) fn counted(count: i64) -> Result<UnreadCount, RepositoryError> {
    UnreadCount::from_stored(count).ok_or_else(|| unreadable("session")("a count is negative".into()))
}

/// Selects how far a session has come, and what is unread in it.
struct SessionCount<'a> {
    session: &'a SessionKey,
    id: StoredUuid,
    unread: UnreadColumn<'a>,
}

impl QueryFragment<Sqlite> for SessionCount<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT rev, updated_at, ");
        self.unread.push(&mut out)?;
        out.push_sql(" FROM sessions WHERE tenant_id = ");
        out.push_bind_param::<Text, _>(self.session.tenant_id.as_str())?;
        out.push_sql(" AND id = ");
        out.push_bind_param::<Binary, _>(&self.id)
    }
}

impl QueryId for SessionCount<'_> {
    type QueryId = ();
    // The text is the key of the statement cache: there are two.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for SessionCount<'_> {
    type SqlType = (BigInt, BigInt, BigInt);
}

impl RunQueryDsl<SqliteConnection> for SessionCount<'_> {}

/// What a reader has not read of each row of `sessions`.
pub(super) struct UnreadColumn<'a> {
    /// Of a participant, and of a sender: they have the same names.
    role: &'static str,
    id: &'a str,
    view: View,
}

/// Which messages of the session may count at all, in the words of the index.
const OF_SESSION: &str = "m.tenant_id = sessions.tenant_id AND m.session_id = sessions.id \
     AND m.deleted_at IS NULL AND m.sender_type <> 'system'";

impl<'a> UnreadColumn<'a> {
    pub(super) fn of(reader: &'a Reader) -> Self {
        Self { role: reader.role.as_str(), id: reader.id.as_str(), view: reader.role.view() }
    }

    /// Writes it.
    pub(super) fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("CASE WHEN sessions.last_seq - ");
        self.push_read(out)?;
        out.push_sql(&format!(" <= {} THEN ", UnreadCount::MOST));
        self.push_walk(out)?;
        out.push_sql(" ELSE ");
        self.push_many(out)?;
        out.push_sql(" END");
        Ok(())
    }

    /// The last `seq` that was read.
    fn push_read<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "coalesce((SELECT p.read_seq FROM participants p \
             WHERE p.tenant_id = sessions.tenant_id AND p.session_id = sessions.id AND p.role = ",
        );
        out.push_bind_param::<Text, _>(self.role)?;
        out.push_sql(" AND p.id = ");
        out.push_bind_param::<Text, _>(self.id)?;
        out.push_sql("), 0)");
        Ok(())
    }

    /// Along the table, until no more can be counted.
    fn push_walk<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(SELECT count(*) FROM (SELECT 1 FROM messages m WHERE ");
        out.push_sql(OF_SESSION);
        if self.view == View::Public {
            out.push_sql(" AND m.visibility = 'public'");
        }
        out.push_sql(" AND NOT (m.sender_type = ");
        out.push_bind_param::<Text, _>(self.role)?;
        out.push_sql(" AND m.sender_id = ");
        out.push_bind_param::<Text, _>(self.id)?;
        out.push_sql(") AND m.seq > ");
        self.push_read(out)?;
        out.push_sql(&format!(" LIMIT {}))", UnreadCount::MOST));
        Ok(())
    }

    /// Along the index, where it has not too many senders.
    fn push_many<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(");
        self.push_senders(out);
        out.push_sql(&format!(
            " SELECT CASE WHEN EXISTS (SELECT 1 FROM sender k WHERE k.nth = {SENDERS} AND k.id IS NOT NULL) THEN "
        ));
        self.push_walk(out)?;
        out.push_sql(" ELSE ");
        self.push_by_sender(out)?;
        out.push_sql(" END)");
        Ok(())
    }

    /// The first senders of each kind, from one to the next; `id` is null where there are no more.
    fn push_senders(&self, out: &mut AstPass<'_, '_, Sqlite>) {
        const IN_KIND: &str = "(SELECT min(m.sender_id) FROM messages m INDEXED BY messages_by_sender WHERE m.visibility = k.visibility \
             AND m.sender_type = k.sender_type AND ";
        out.push_sql("WITH RECURSIVE kind (visibility, sender_type) AS (");
        out.push_sql(self.kinds());
        out.push_sql("), sender (visibility, sender_type, id, nth) AS (SELECT k.visibility, k.sender_type, ");
        out.push_sql(IN_KIND);
        out.push_sql(OF_SESSION);
        out.push_sql("), 1 FROM kind k UNION ALL SELECT k.visibility, k.sender_type, ");
        out.push_sql(IN_KIND);
        out.push_sql(OF_SESSION);
        out.push_sql(&format!(
            " AND m.sender_id > k.id), k.nth + 1 FROM sender k WHERE k.id IS NOT NULL AND k.nth < {SENDERS})"
        ));
    }

    /// What each of them has sent.
    fn push_by_sender<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "(SELECT count(*) FROM (SELECT 1 FROM sender k CROSS JOIN messages m INDEXED BY messages_by_sender \
             WHERE k.id IS NOT NULL AND m.visibility = k.visibility AND m.sender_type = k.sender_type \
             AND m.sender_id = k.id AND NOT (k.sender_type = ",
        );
        out.push_bind_param::<Text, _>(self.role)?;
        out.push_sql(" AND k.id = ");
        out.push_bind_param::<Text, _>(self.id)?;
        out.push_sql(") AND ");
        out.push_sql(OF_SESSION);
        out.push_sql(" AND m.seq > ");
        self.push_read(out)?;
        out.push_sql(&format!(" LIMIT {}))", UnreadCount::MOST));
        Ok(())
    }

    /// The visibilities and sides of what the reader sees.
    const fn kinds(&self) -> &'static str {
        match self.view {
            View::Public => "VALUES ('public', 'user'), ('public', 'agent')",
            View::Full => "VALUES ('public', 'user'), ('public', 'agent'), ('internal', 'user'), ('internal', 'agent')",
        }
    }
}
