//! A user's sessions: one walk along an index, from the cursor on. What is unread of each is asked for afterwards: most of it
//! is known from before, and to count it anew costs many times what the list does.

use chat_domain::error::RepositoryError;
use chat_domain::id::TenantId;
use chat_domain::participant::{Reader, UnreadCount, UnreadCounts};
use chat_domain::session::{CursorDirection, SeenSession, SessionPage, UserSessions};
use diesel::IntoSql as _;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid};

use super::row::{SESSION_COLUMNS, SessionColumns, SessionRow};
use crate::postgres::pool::PgPool;
use crate::postgres::statement::Statement;
use crate::postgres::time::{INFINITY, MINUS_INFINITY, to_pg};

/// What traces call the statement.
const LIST: &str = "list sessions";

/// The condition that narrows the list to one status.
pub(in crate::postgres) const IN_STATUS: &str = "AND s.status = $6";

/// A page of the user's sessions, as if nothing of them were unread.
pub(super) async fn list_of_user(
    pool: &PgPool,
    tenant: &TenantId,
    query: &UserSessions,
) -> Result<SessionPage, RepositoryError> {
    let rows: Vec<SessionRow> = match query.status {
        None => pool.read(LIST, || of_any_status(tenant, query)).await?,
        Some(status) => pool.read(LIST, || of_status(tenant, query, status.as_str())).await?,
    };
    let seen = |row: SessionRow| Ok(SeenSession { session: row.into_session(tenant)?, unread: UnreadCount::NONE });
    let sessions = rows.into_iter().map(seen).collect::<Result<Vec<_>, RepositoryError>>()?;
    Ok(SessionPage::assemble(query, sessions))
}

/// Puts in what the reader has not read, by one question about all of the page.
pub(super) async fn count(
    counts: &dyn UnreadCounts,
    reader: &Reader,
    page: &mut SessionPage,
) -> Result<(), RepositoryError> {
    let (mut places, mut asked) = (Vec::new(), Vec::new());
    for SeenSession { session, unread } in &mut page.sessions {
        if let Some(question) = session.to_count(reader.role.view()) {
            places.push(unread);
            asked.push(question);
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    for (place, found) in places.into_iter().zip(counts.unread(reader, asked).await?) {
        *place = found.map_or(UnreadCount::NONE, |found| found.count);
    }
    Ok(())
}

fn of_any_status<'q>(
    tenant: &'q TenantId,
    query: &'q UserSessions,
) -> Statement<SessionColumns, impl QueryFragment<Pg> + Send + use<'q>> {
    Statement::new(sql(query.direction(), ""), values(tenant, query))
}

fn of_status<'q>(
    tenant: &'q TenantId,
    query: &'q UserSessions,
    status: &'static str,
) -> Statement<SessionColumns, impl QueryFragment<Pg> + Send + use<'q>> {
    let sql = sql(query.direction(), IN_STATUS);
    Statement::new(sql, (values(tenant, query), status.into_sql::<Text>()))
}

pub(in crate::postgres) fn sql(direction: CursorDirection, in_status: &str) -> String {
    let (beyond, order) = match direction {
        CursorDirection::Older => ("<", "DESC"),
        CursorDirection::Newer => (">", "ASC"),
    };
    format!(
        "SELECT {SESSION_COLUMNS} FROM sessions s \
         WHERE s.tenant_id = $1 AND s.user_id = $2 {in_status} AND (s.created_at, s.id) {beyond} ($3, $4) \
         ORDER BY s.created_at {order}, s.id {order} LIMIT $5"
    )
}

fn values<'q>(tenant: &'q TenantId, query: &'q UserSessions) -> impl QueryFragment<Pg> + Send + use<'q> {
    // Without a cursor the walk begins beyond the last that there could be.
    let (created_at, id) = match (query.cursor, query.direction()) {
        (Some(cursor), _) => (to_pg(cursor.created_at), cursor.id.as_uuid()),
        (None, CursorDirection::Older) => (INFINITY, uuid::Uuid::max()),
        (None, CursorDirection::Newer) => (MINUS_INFINITY, uuid::Uuid::nil()),
    };
    (
        tenant.as_str().into_sql::<Text>(),
        query.user_id.as_str().into_sql::<Text>(),
        created_at.into_sql::<Timestamptz>(),
        id.into_sql::<Uuid>(),
        (i64::from(query.limit) + 1).into_sql::<BigInt>(),
    )
}
