//! How far some sessions have come, and what has changed in others since a state: one statement, so that each session and
//! its messages are of one moment, and nobody waits for two answers.

use std::collections::HashMap;
use std::sync::Arc;

use chat_domain::error::RepositoryError;
use chat_domain::message::{Changes, Since};
use chat_domain::session::{News, SessionKey};
use diesel::IntoSql as _;
use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid};

use super::read::{MixedColumns, MixedRow, assemble};
use super::row::{MESSAGE_COLUMNS, NO_MESSAGE};
use crate::postgres::extension::row::{EXTENSION_COLUMNS, NO_EXTENSION};
use crate::postgres::pool::PgPool;
use crate::postgres::revision::put;
use crate::postgres::session::row::{NO_SESSION, SESSION_COLUMNS};
use crate::postgres::statement::{Statement, each};

/// The place in the question, and a revision or a row of changes.
type NewsColumns = (BigInt, Nullable<(BigInt, Timestamptz)>, MixedColumns);
pub(super) type NewsRow = (i64, Option<(i64, PgTimestamp)>, MixedRow);

/// Reads both.
pub(in crate::postgres) async fn news(
    pool: &PgPool,
    sessions: &[SessionKey],
    since: &[Since],
) -> Result<News, RepositoryError> {
    let rows: Vec<NewsRow> = pool.read("read news", || statement(sessions, since)).await?;
    let mut revisions = vec![None; sessions.len()];
    let mut of_each: HashMap<i64, Vec<MixedRow>> = HashMap::new();
    for (ord, revision, row) in rows {
        match revision {
            Some((rev, updated_at)) => put(&mut revisions, (ord, rev, updated_at))?,
            None => of_each.entry(ord).or_default().push(row),
        }
    }
    let changes = (1..).zip(since).map(|(ord, since)| {
        // A row that cannot be read is told to whoever reads the page, and not to those who asked for something else.
        let found = assemble(&since.session.tenant_id, of_each.remove(&ord).unwrap_or_default());
        let (session, messages) = found.ok()?;
        Changes::assemble(session?, since.revision, messages).map(Arc::new)
    });
    Ok(News { changes: changes.collect(), revisions })
}

pub(super) fn statement<'q>(
    sessions: &'q [SessionKey],
    since: &'q [Since],
) -> Statement<NewsColumns, impl QueryFragment<Pg> + Send + use<'q>> {
    let values = (
        each(sessions, |key| key.tenant_id.as_str()).into_sql::<Array<Text>>(),
        each(sessions, |key| key.id.as_uuid()).into_sql::<Array<Uuid>>(),
        each(since, |since| since.session.tenant_id.as_str()).into_sql::<Array<Text>>(),
        each(since, |since| since.session.id.as_uuid()).into_sql::<Array<Uuid>>(),
        each(since, |since| since.revision.rev.get()).into_sql::<Array<BigInt>>(),
    );
    Statement::new(news_sql(), values)
}

/// The messages are told by the index of their `rev`s, and in that order.
pub(in crate::postgres) fn news_sql() -> String {
    const BEHIND: &str = "UNNEST($3::text[], $4::uuid[], $5::bigint[]) WITH ORDINALITY AS i (tenant_id, id, rev, ord)";
    const NO_REVISION: &str = "NULL::bigint, NULL::timestamptz";
    let rows = Changes::ROWS;
    format!(
        // The first part is never run: see `plain.sql`.
        "WITH tables AS (SELECT FROM sessions WHERE false), \
         m AS MATERIALIZED (\
             SELECT i.ord, m.* FROM {BEHIND} CROSS JOIN LATERAL (\
                 SELECT {MESSAGE_COLUMNS}, m.tenant_id, m.extension_count FROM messages m \
                 WHERE m.tenant_id = i.tenant_id AND m.session_id = i.id AND m.rev >= i.rev \
                 ORDER BY m.rev LIMIT {rows}\
             ) m\
         ) \
         SELECT i.ord, s.rev, s.updated_at, {NO_SESSION}, {NO_MESSAGE}, {NO_EXTENSION} \
         FROM UNNEST($1::text[], $2::uuid[]) WITH ORDINALITY AS i (tenant_id, id, ord) \
         JOIN sessions s ON s.tenant_id = i.tenant_id AND s.id = i.id \
         UNION ALL \
         SELECT i.ord, {NO_REVISION}, {SESSION_COLUMNS}, {NO_MESSAGE}, {NO_EXTENSION} FROM {BEHIND} \
         JOIN sessions s ON s.tenant_id = i.tenant_id AND s.id = i.id \
         UNION ALL \
         SELECT m.ord, {NO_REVISION}, {NO_SESSION}, {MESSAGE_COLUMNS}, {NO_EXTENSION} FROM m \
         UNION ALL \
         SELECT m.ord, {NO_REVISION}, {NO_SESSION}, {NO_MESSAGE}, {EXTENSION_COLUMNS} FROM m \
         JOIN message_extensions e ON e.tenant_id = m.tenant_id AND e.message_id = m.id \
         WHERE m.extension_count > 0 AND m.deleted_at IS NULL"
    )
}
