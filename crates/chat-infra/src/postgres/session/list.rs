//! A user's sessions: one walk along an index, from the cursor on.

use chat_domain::error::RepositoryError;
use chat_domain::id::TenantId;
use chat_domain::session::{CursorDirection, Session, SessionPage, UserSessions};
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

/// A page of the user's sessions.
pub(super) async fn list_of_user(
    pool: &PgPool,
    tenant: &TenantId,
    query: &UserSessions,
) -> Result<SessionPage, RepositoryError> {
    let rows: Vec<SessionRow> = match query.status {
        None => pool.read(LIST, || of_any_status(tenant, query)).await?,
        Some(status) => pool.read(LIST, || of_status(tenant, query, status.as_str())).await?,
    };
    let sessions: Vec<Session> = rows.into_iter().map(|row| row.into_session(tenant)).collect::<Result<_, _>>()?;
    Ok(SessionPage::assemble(query, sessions))
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
