//! The statements that diesel builds: each looks up single rows by the whole of a unique key, or only writes.

use chat_domain::id::{ExtensionId, MessageId, SessionId};
use chat_domain::testing::builder::{a_key, a_session, tenant};
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;

use super::{MESSAGE, Other, SESSION, other};
use crate::postgres::extension::write::{delete, delete_with_key, with_key};
use crate::postgres::idempotency::is_same;
use crate::postgres::session::row_of;
use crate::postgres::session::update::{locked_row_of, write};

/// All of them that read.
pub(super) fn others() -> Vec<Other> {
    let tenant = tenant("default");
    let (session, message) = (SessionId::new(uuid::Uuid::nil()), MessageId::new(uuid::Uuid::nil()));
    let (sessions, keys) = (("sessions", "sessions_pkey"), ("idempotency_keys", "idempotency_keys_pkey"));
    let extensions = ("message_extensions", "message_extensions_pkey");
    let one = format!("'default', {SESSION}");
    let change = format!("NULL, 'ended', '2026-02-01', '{{}}', '2026-02-01', 1000000, 2, {one}");
    let change_types = "text, text, timestamptz, text, timestamptz, bigint, bigint, text, uuid";
    let extension = format!("'default', {MESSAGE}, {MESSAGE}");
    let by_unique_key = ("message_extensions", "message_extensions_by_unique_key");
    let (key, by_key) = (a_key("key", "x").scope, format!("'default', {MESSAGE}, sha256('x')"));
    vec![
        other(text(&row_of(&tenant, session)), "text, uuid", one.clone(), vec![sessions]),
        other(text(&locked_row_of(&tenant, session)), "text, uuid", one, vec![sessions]),
        other(text(&write(&a_session().to_session())), change_types, change, vec![sessions]),
        other(
            text(&is_same(&tenant, &a_key("key", "x"))),
            "bytea, text, bytea",
            "'x', 'default', sha256('x')",
            vec![keys],
        ),
        other(
            text(&delete(&tenant, message, ExtensionId::new(uuid::Uuid::nil()))),
            "text, uuid, uuid",
            extension,
            vec![extensions],
        ),
        other(text(&with_key(&tenant, message, &key)), "text, uuid, bytea", by_key.clone(), vec![by_unique_key]),
        other(text(&delete_with_key(&tenant, message, &key)), "text, uuid, bytea", by_key, vec![by_unique_key]),
    ]
}

/// What the server gets to see.
fn text(query: &impl QueryFragment<Pg>) -> String {
    let query = diesel::debug_query::<Pg, _>(query).to_string();
    query.split(" -- binds").next().unwrap().to_owned()
}
