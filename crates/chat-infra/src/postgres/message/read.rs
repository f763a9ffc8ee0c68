//! Reading messages with what hangs on them: one statement, so that all of it is of one moment.
//!
//! The rows of an answer are of several kinds: the session, then the messages, then their extensions; in each the
//! columns of the other kinds are null. So nothing is sent twice, and extensions cost nothing where no message has any.

use std::collections::HashMap;

use chat_domain::access::View;
use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, SessionId, TenantId};
use chat_domain::message::{Message, PageQuery, Window};
use chat_domain::query::Order;
use chat_domain::revision::Seq;
use chat_domain::session::Session;
use diesel::IntoSql as _;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid};

use super::row::{MESSAGE_COLUMNS, MessageColumns, MessageRow, NO_MESSAGE};
use crate::postgres::extension::row::{EXTENSION_COLUMNS, ExtensionColumns, ExtensionRow, NO_EXTENSION};
use crate::postgres::session::row::{NO_SESSION, SESSION_COLUMNS, SessionColumns, SessionRow};
use crate::postgres::statement::Statement;

/// What traces call the reading of messages by their ids.
pub(super) const BY_IDS: &str = "read messages";

/// The types of a row of one kind or another.
pub(super) type MixedColumns = (Nullable<SessionColumns>, Nullable<MessageColumns>, Nullable<ExtensionColumns>);

/// A row of one kind or another.
pub(super) type MixedRow = (Option<SessionRow>, Option<MessageRow>, Option<ExtensionRow>);

/// A page of a session's messages, with the session.
pub(super) fn page<'q>(
    tenant: &'q str,
    session: SessionId,
    query: &PageQuery,
) -> Statement<MixedColumns, impl QueryFragment<Pg> + Send + use<'q>> {
    let (after, before, offset) = match query.window {
        Window::Offset(offset) => (None, None, i64::from(offset)),
        Window::Between { after, before } => (after, before, 0),
    };
    let values = (
        tenant.into_sql::<Text>(),
        session.as_uuid().into_sql::<Uuid>(),
        after.map_or(0, Seq::get).into_sql::<BigInt>(),
        before.map_or(i64::MAX, Seq::get).into_sql::<BigInt>(),
        (i64::from(query.limit) + 1).into_sql::<BigInt>(),
        offset.into_sql::<BigInt>(),
    );
    Statement::new(page_sql(query), values)
}

/// Each view has an index of its own, with and without tombstones. The planner knows which fits only where the
/// condition stands in the text.
pub(in crate::postgres) fn page_sql(query: &PageQuery) -> String {
    let visible = match query.view {
        View::Public => "AND m.visibility = 'public'",
        View::Full => "",
    };
    let alive = if query.include_deleted { "" } else { "AND m.deleted_at IS NULL" };
    let order = match query.walk() {
        Order::Asc => "ASC",
        Order::Desc => "DESC",
    };
    let messages = format!(
        "m.tenant_id = $1 AND m.session_id = $2 AND m.seq > $3 AND m.seq < $4 {visible} {alive} \
         ORDER BY m.seq {order} LIMIT $5 OFFSET $6"
    );
    let session = format!(
        "SELECT {SESSION_COLUMNS}, {NO_MESSAGE}, {NO_EXTENSION} FROM sessions s \
         WHERE s.tenant_id = $1 AND s.id = $2 UNION ALL"
    );
    mixed_sql(&session, &messages)
}

/// The messages with these ids, each in the tenant that stands at its place.
pub(super) fn by_ids(
    tenants: Vec<&str>,
    ids: Vec<uuid::Uuid>,
) -> Statement<MixedColumns, impl QueryFragment<Pg> + Send + use<'_>> {
    let values = (tenants.into_sql::<Array<Text>>(), ids.into_sql::<Array<Uuid>>());
    Statement::new(by_ids_sql(), values)
}

pub(in crate::postgres) fn by_ids_sql() -> String {
    mixed_sql("", "(m.tenant_id, m.id) IN (SELECT * FROM UNNEST($1::text[], $2::uuid[]))")
}

fn mixed_sql(session: &str, messages: &str) -> String {
    format!(
        "WITH m AS MATERIALIZED (\
             SELECT {MESSAGE_COLUMNS}, m.tenant_id, m.extension_count FROM messages m WHERE {messages}\
         ) \
         {session} \
         SELECT {NO_SESSION}, {MESSAGE_COLUMNS}, {NO_EXTENSION} FROM m \
         UNION ALL \
         SELECT {NO_SESSION}, {NO_MESSAGE}, {EXTENSION_COLUMNS} FROM m \
         JOIN message_extensions e ON e.tenant_id = m.tenant_id AND e.message_id = m.id \
         WHERE m.extension_count > 0 AND m.deleted_at IS NULL"
    )
}

/// Puts the rows together: the session, where it was asked for and is there, and the messages in the order in which
/// they came, each with its extensions, oldest first.
pub(super) fn assemble(
    tenant: &TenantId,
    rows: Vec<MixedRow>,
) -> Result<(Option<Session>, Vec<Message>), RepositoryError> {
    let mut session = None;
    let mut messages = Vec::with_capacity(rows.len());
    let mut extensions = Vec::new();
    for row in rows {
        match row {
            (Some(row), _, _) => session = Some(row.into_session(tenant)?),
            (_, Some(row), _) => messages.push(row.into_message()?),
            (_, _, Some(row)) => extensions.push(row.into_extension()?),
            (None, None, None) => {}
        }
    }
    if !extensions.is_empty() {
        extensions.sort_unstable_by_key(|extension| (extension.created_at, extension.id));
        let mut places: HashMap<MessageId, &mut Message> =
            messages.iter_mut().map(|message| (message.id, message)).collect();
        for extension in extensions {
            if let Some(message) = places.get_mut(&extension.message_id) {
                message.extensions.push(extension);
            }
        }
    }
    Ok((session, messages.into_iter().map(Message::shown).collect()))
}
