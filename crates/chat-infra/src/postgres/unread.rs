//! Counting what somebody has not read.
//!
//! Where few messages lie above what was read, they are looked at one by one, along the key. Where many do, most may be
//! the reader's own or the platform's: then the others are counted sender by sender, along the index that has those side by
//! side and the platform's not at all. Either way no more is looked at than can be counted, and two places for each sender.
//! Where there are too many senders for that, what can be counted seldom lies far apart: the messages are walked through.

use async_trait::async_trait;
use chat_domain::access::View;
use chat_domain::error::RepositoryError;
use chat_domain::participant::{Reader, Unread, UnreadCount, UnreadCounts};
use chat_domain::revision::{Rev, Revision};
use chat_domain::session::SessionKey;
use diesel::IntoSql as _;
use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid};

use super::pool::PgPool;
use super::row::Broken;
use super::statement::{Statement, each, place};
use super::time::from_pg;
use crate::operation::{Observed, Operation};

/// So many senders of each side and visibility are asked for one by one.
const SENDERS: u8 = 25;

/// What is unread in the sessions of all tenants.
pub(super) struct PgUnread(pub(super) Observed<PgPool>);

/// The place in the question, the session's state, whether a receipt made it, and the count.
type UnreadRow = (i64, i64, PgTimestamp, bool, i64);
type UnreadColumns = (BigInt, BigInt, Timestamptz, Bool, BigInt);

#[async_trait]
impl UnreadCounts for PgUnread {
    async fn unread(
        &self,
        reader: &Reader,
        sessions: Vec<(SessionKey, Revision)>,
    ) -> Result<Vec<Option<Unread>>, RepositoryError> {
        let call = Operation::ParticipantsUnread.of(sessions.len());
        self.0.run(call, |pool| unread(pool, reader, &sessions)).await
    }
}

async fn unread(
    pool: &PgPool,
    reader: &Reader,
    sessions: &[(SessionKey, Revision)],
) -> Result<Vec<Option<Unread>>, RepositoryError> {
    let mut counts = vec![None; sessions.len()];
    if sessions.is_empty() {
        return Ok(counts);
    }
    let rows: Vec<UnreadRow> = pool.read("count unread", || statement(reader, sessions)).await?;
    for (ord, rev, updated_at, is_of_receipt, count) in rows {
        let updated_at = from_pg(updated_at).map_err(|broken| broken.in_a("session"))?;
        let count = UnreadCount::from_stored(count).ok_or_else(|| Broken("count").in_a("session"))?;
        if let Some(place) = place(ord).and_then(|place| counts.get_mut(place)) {
            let revision = Revision { rev: Rev::new(rev), updated_at };
            *place = Some(Unread { revision, count, may_be_kept: !is_of_receipt });
        }
    }
    Ok(counts)
}

fn statement<'q>(
    reader: &'q Reader,
    sessions: &'q [(SessionKey, Revision)],
) -> Statement<UnreadColumns, impl QueryFragment<Pg> + Send + use<'q>> {
    let values = (
        each(sessions, |(key, _)| key.tenant_id.as_str()).into_sql::<Array<Text>>(),
        each(sessions, |(key, _)| key.id.as_uuid()).into_sql::<Array<Uuid>>(),
        reader.role.as_str().into_sql::<Text>(),
        reader.id.as_str().into_sql::<Text>(),
    );
    Statement::new(unread_sql(reader.role.view()), values)
}

/// $1 tenants, $2 sessions, $3 the reader's role, $4 its id
///
/// The last receipt is looked for by order, which only the index by `rev` has: asked for one of that `rev`, a planner that
/// knows of few participants would as soon go through all of them.
pub(in crate::postgres) fn unread_sql(view: View) -> String {
    let unread = unread_column(view);
    format!(
        "SELECT i.ord, s.rev, s.updated_at, coalesce(s.rev = (\
             SELECT p.rev FROM participants p WHERE p.tenant_id = s.tenant_id AND p.session_id = s.id \
             ORDER BY p.rev DESC LIMIT 1\
         ), false), {unread} \
         FROM UNNEST($1::text[], $2::uuid[]) WITH ORDINALITY AS i (tenant_id, id, ord) \
         JOIN sessions s ON s.tenant_id = i.tenant_id AND s.id = i.id"
    )
}

/// What a reader with this view has not read of the session `s`. A sender's type has the name of a participant's role.
///
/// The conditions on the few, and on those of many senders, stand apart from those that choose the index: with them the
/// planner would take the index of the senders, and go through all that was ever said. The order is there for the same
/// reason, and so is `OFFSET 0`, which keeps the conditions apart.
fn unread_column(view: View) -> String {
    const READ: &str = "coalesce((SELECT p.read_seq FROM participants p \
         WHERE p.tenant_id = s.tenant_id AND p.session_id = s.id AND p.role = $3 AND p.id = $4), 0)";
    let most = UnreadCount::MOST;
    let shown = match view {
        View::Public => " AND m.visibility = 'public'",
        View::Full => "",
    };
    let senders = senders(view);
    format!(
        "CASE WHEN s.last_seq - {READ} <= {most} THEN (\
             SELECT count(*) FILTER (WHERE m.deleted_at IS NULL AND m.sender_type <> 'system'{shown} \
                 AND NOT (m.sender_type = $3 AND m.sender_id = $4)) \
             FROM (SELECT * FROM messages m WHERE m.tenant_id = s.tenant_id AND m.session_id = s.id AND m.seq > {READ} \
                 ORDER BY m.seq LIMIT {most}) m\
         ) ELSE (\
             {senders} SELECT CASE WHEN EXISTS (SELECT FROM sender k WHERE k.nth = {SENDERS} AND k.id IS NOT NULL) THEN (\
                 SELECT count(*) FROM (\
                     SELECT FROM (\
                         SELECT m.sender_type, m.sender_id FROM messages m \
                         WHERE m.tenant_id = s.tenant_id AND m.session_id = s.id AND m.deleted_at IS NULL{shown} \
                         AND m.seq > {READ} ORDER BY m.seq OFFSET 0\
                     ) m \
                     WHERE m.sender_type <> 'system' AND NOT (m.sender_type = $3 AND m.sender_id = $4) LIMIT {most}\
                 ) walked\
             ) ELSE (\
                 SELECT count(*) FROM (\
                     SELECT FROM sender k CROSS JOIN LATERAL (\
                         SELECT FROM messages m WHERE {LIVE} AND m.visibility = k.visibility AND m.sender_type = k.sender_type \
                         AND m.sender_id = k.id AND m.seq > {READ} ORDER BY m.seq LIMIT {most}\
                     ) m \
                     WHERE k.id IS NOT NULL AND NOT (k.sender_type = $3 AND k.id = $4) LIMIT {most}\
                 ) counted\
             ) END\
         ) END"
    )
}

/// Which messages of the session may count at all, in the words of the index of the senders.
const LIVE: &str =
    "m.tenant_id = s.tenant_id AND m.session_id = s.id AND m.deleted_at IS NULL AND m.sender_type <> 'system'";

/// The first senders of each kind, from one to the next; `id` is null where there are no more.
fn senders(view: View) -> String {
    let kinds = match view {
        View::Public => "('public', 'user'), ('public', 'agent')",
        View::Full => "('public', 'user'), ('public', 'agent'), ('internal', 'user'), ('internal', 'agent')",
    };
    let next = |beyond: &str| {
        format!(
            "(SELECT m.sender_id FROM messages m WHERE {LIVE} \
             AND m.visibility = k.visibility AND m.sender_type = k.sender_type{beyond} ORDER BY m.sender_id LIMIT 1)"
        )
    };
    let (first, beyond) = (next(""), next(" AND m.sender_id > k.id"));
    format!(
        "WITH RECURSIVE sender (visibility, sender_type, id, nth) AS (\
             SELECT k.visibility, k.sender_type, {first}, 1 FROM (VALUES {kinds}) k (visibility, sender_type) \
             UNION ALL \
             SELECT k.visibility, k.sender_type, {beyond}, k.nth + 1 FROM sender k \
             WHERE k.id IS NOT NULL AND k.nth < {SENDERS}\
         )"
    )
}
