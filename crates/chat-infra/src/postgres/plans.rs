//! How PostgreSQL goes about the statements: lists are one walk along one index, whatever lies beside their rows, and
//! every table is read by the index that was made for it, even by plans that were made while it was empty.

mod attachment;
mod audit;
mod built;
mod change;
mod database;
mod keys;
mod participant;
mod settings;

use chat_domain::access::View;
use chat_domain::message::{PageQuery, Window};
use chat_domain::query::Order;
use chat_domain::revision::Seq;
use chat_domain::session::CursorDirection;
use diesel_async::SimpleAsyncConnection as _;

use self::database::Database;
use super::extension::find::find_sql;
use super::idempotency::FORGET;
use super::message::judged::JUDGED;
use super::message::late_key::KNOWN;
use super::message::news::news_sql;
use super::message::plain::PLAIN;
use super::message::read::{by_ids_sql, page_sql};
use super::message::refusing::REFUSING;
use super::revision::REVS;
use super::session::create::CREATE;
use super::session::list::{IN_STATUS, sql as list_of_user_sql};

const SESSION: &str = "'00000000-0000-7000-8000-000000000001'";
const QUIET_SESSION: &str = "'00000000-0000-7000-8000-000000300000'";
const MESSAGE: &str = "'00000000-0000-7000-9000-000000000001'";
const LIMIT: u16 = 100;

/// All kinds of pages, in windows that lie before, in and behind the long runs of what is not shown.
fn pages() -> Vec<PageQuery> {
    let seq = |seq| Some(Seq::new(seq));
    let windows = [
        Window::Between { after: None, before: None },
        Window::Between { after: seq(950), before: None },
        Window::Between { after: None, before: seq(201_050) },
        Window::Between { after: seq(950), before: seq(350_050) },
        Window::Offset(10_000),
    ];
    let mut pages = Vec::new();
    for view in [View::Public, View::Full] {
        for include_deleted in [false, true] {
            for order in [Order::Asc, Order::Desc] {
                pages.extend(windows.map(|window| PageQuery { view, include_deleted, order, limit: LIMIT, window }));
            }
        }
    }
    pages
}

/// The values of a page: the session, the bounds, the limit and the offset.
fn page_values(page: &PageQuery) -> String {
    let (after, before, offset) = match page.window {
        Window::Offset(offset) => (None, None, offset),
        Window::Between { after, before } => (after, before, 0),
    };
    let (after, before) = (after.map_or(0, Seq::get), before.map_or(i64::MAX, Seq::get));
    format!("'default', {SESSION}, {after}, {before}, {}, {offset}", page.limit + 1)
}

const PAGE_TYPES: &str = "text, uuid, bigint, bigint, bigint, bigint";

fn page_index(page: &PageQuery) -> &'static str {
    match (page.view, page.include_deleted) {
        (View::Full, true) => "messages_pkey",
        (View::Full, false) => "messages_live",
        (View::Public, true) => "messages_public",
        (View::Public, false) => "messages_public_live",
    }
}

/// A list that is paged by a cursor.
struct List {
    table: &'static str,
    sql: String,
    types: &'static str,
    values: String,
    index: &'static str,
}

/// A user's sessions.
fn lists() -> Vec<List> {
    let place = "'2026-01-02T00:00:00Z', '00000000-0000-7000-8000-000000086400'";
    let newest = "'infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'";
    let mut lists = Vec::new();
    for (direction, from) in
        [(CursorDirection::Older, newest), (CursorDirection::Older, place), (CursorDirection::Newer, place)]
    {
        let all = format!("'default', 'busy', {from}, {}", LIMIT + 1);
        let narrowed = format!("{all}, 'ended'");
        let (sql, types) = (list_of_user_sql(direction, ""), "text, text, timestamptz, uuid, bigint");
        lists.push(List { table: "sessions", sql, types, values: all, index: "sessions_by_user" });
        let (sql, types) = (list_of_user_sql(direction, IN_STATUS), "text, text, timestamptz, uuid, bigint, text");
        lists.push(List { table: "sessions", sql, types, values: narrowed, index: "sessions_by_user_and_status" });
    }
    lists
}

/// A statement that is no list.
struct Other {
    sql: String,
    types: &'static str,
    values: String,
    /// The tables that it reads, each with the index.
    reads: Vec<(&'static str, &'static str)>,
}

fn other(
    sql: impl Into<String>,
    types: &'static str,
    values: impl Into<String>,
    mut reads: Vec<(&'static str, &'static str)>,
) -> Other {
    reads.sort_unstable();
    Other { sql: sql.into(), types, values: values.into(), reads }
}

/// Everything else that is no list and written in SQL.
fn others() -> Vec<Other> {
    let (sessions, by_id) = (("sessions", "sessions_pkey"), ("messages", "messages_by_id"));
    let extensions = ("message_extensions", "message_extensions_pkey");
    let keys = ("idempotency_keys", "idempotency_keys_pkey");
    let by_scope = ("messages", "messages_by_idempotency_scope");
    let by_age = ("idempotency_keys", "idempotency_keys_by_age");
    let at = "'2026-02-01T00:00:00Z'";
    let append = format!(
        "ARRAY['default'], ARRAY[{QUIET_SESSION}]::uuid[], ARRAY[gen_random_uuid()], ARRAY['user'], ARRAY['user'], \
         ARRAY['hello'], ARRAY['text'], ARRAY['{{}}'], ARRAY[NULL]::uuid[], ARRAY['public'], \
         ARRAY[{at}]::timestamptz[], ARRAY[NULL], ARRAY['new']::bytea[], ARRAY['new']::bytea[]"
    );
    let append_types = "text[], uuid[], uuid[], text[], text[], text[], text[], text[], uuid[], text[], timestamptz[], \
         text[], bytea[], bytea[]";
    let plain = format!(
        "ARRAY['default'], ARRAY[{QUIET_SESSION}]::uuid[], ARRAY[1], ARRAY[1], ARRAY[{at}]::timestamptz[], \
         ARRAY[{at}]::timestamptz[], ARRAY[{at}]::timestamptz[], ARRAY[NULL], ARRAY['default'], ARRAY['new']::bytea[], \
         ARRAY[1], ARRAY[gen_random_uuid()], ARRAY['user'], ARRAY['user'], ARRAY['hello'], ARRAY['text'], \
         ARRAY['{{}}'], ARRAY[NULL]::uuid[], ARRAY['public'], ARRAY[{at}]::timestamptz[], ARRAY['new']::bytea[], \
         ARRAY['new']::bytea[]"
    );
    let plain_types = "text[], uuid[], integer[], integer[], timestamptz[], timestamptz[], timestamptz[], text[], \
         text[], bytea[], integer[], uuid[], text[], text[], text[], text[], text[], uuid[], text[], timestamptz[], \
         bytea[], bytea[]";
    let refusing = format!("ARRAY[0], ARRAY['default'], ARRAY[{SESSION}]::uuid[], ARRAY[NULL]");
    let late = "ARRAY[1], ARRAY['default'], ARRAY['new']::bytea[], ARRAY['new']::bytea[]";
    let create = format!("'default', gen_random_uuid(), 'ann', NULL, 'active', '{{}}', NULL, {at}, 'new', 'new'");
    let create_types = "text, uuid, text, text, text, text, uuid, timestamptz, bytea, bytea";
    let one = format!("ARRAY['default'], ARRAY[{MESSAGE}]::uuid[]");
    let revs = format!("ARRAY['default'], ARRAY[{SESSION}]::uuid[]");
    let (by_rev, news) = (("messages", "messages_by_rev"), format!("{revs}, {revs}, ARRAY[1000]::bigint[]"));
    let find = format!("'default', {MESSAGE}, {MESSAGE}");
    vec![
        other(JUDGED, append_types, append, vec![sessions, by_scope, sessions]),
        other(PLAIN, plain_types, plain, vec![sessions, by_scope]),
        other(REFUSING, "bigint[], text[], uuid[], text[]", refusing, vec![sessions]),
        other(KNOWN, "bigint[], text[], bytea[], bytea[]", late, vec![by_scope]),
        other(CREATE, create_types, create, vec![keys]),
        other(by_ids_sql(), "text[], uuid[]", one, vec![by_id, extensions]),
        other(find_sql(), "text, uuid, uuid", find, vec![by_id, extensions]),
        other(REVS, "text[], uuid[]", revs, vec![sessions]),
        other(
            news_sql(),
            "text[], uuid[], text[], uuid[], bigint[]",
            news,
            vec![sessions, sessions, by_rev, extensions],
        ),
        other(FORGET, "timestamptz, bigint", "'2026-01-01T01:00:00Z', 2000", vec![by_age, keys]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_list_is_one_index_scan_among_a_million_messages() {
    let mut database = Database::filled().await;
    for page in pages() {
        let plan = database.run(&page_sql(&page), PAGE_TYPES, &page_values(&page)).await;
        let scan = plan.scan("messages");
        assert_eq!((&scan["Node Type"], &scan["Index Name"]), (&"Index Scan".into(), &page_index(&page).into()));
        let offset = if let Window::Offset(offset) = page.window { f64::from(offset) } else { 0.0 };
        assert_eq!(scan["Actual Rows"], f64::from(LIMIT) + 1.0 + offset, "{page:?}\n{plan:#?}");
        plan.assert_wastes_nothing();
        plan.assert_sorts_nothing();
        assert_eq!(plan.scan("sessions")["Index Name"], "sessions_pkey");
        assert_eq!(plan.scan("message_extensions")["Index Name"], "message_extensions_pkey");
    }
    for List { table, sql, types, values, index } in lists().into_iter().chain(audit::lists()) {
        let plan = database.run(&sql, types, &values).await;
        let scan = plan.scan(table);
        assert_eq!((&scan["Node Type"], &scan["Index Name"]), (&"Index Scan".into(), &index.into()), "{plan:#?}");
        assert_eq!(scan["Actual Rows"], f64::from(LIMIT) + 1.0, "{plan:#?}");
        plan.assert_wastes_nothing();
        plan.assert_sorts_nothing();
    }
    for other in others()
        .into_iter()
        .chain(change::others())
        .chain(built::others())
        .chain(participant::others())
        .chain(attachment::others())
    {
        let plan = database.run(&other.sql, other.types, &other.values).await;
        assert_eq!(plan.indexes(), other.reads, "{plan:#?}");
        plan.assert_wastes_nothing();
    }
    let (sql, types, values) = audit::SWEEP;
    let plan = database.run(sql, types, values).await;
    assert!(audit::SWEEP_READS.contains(&plan.indexes().as_slice()), "{plan:#?}");
    plan.assert_wastes_nothing();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_made_while_the_tables_are_empty_is_good_when_they_have_grown() {
    let mut database = Database::migrated().await;
    for page in pages() {
        let plan = database.plan(&page_sql(&page), PAGE_TYPES, &page_values(&page)).await;
        assert_eq!(plan.scan("messages")["Index Name"], page_index(&page), "{plan:#?}");
        assert_eq!(plan.scan("sessions")["Index Name"], "sessions_pkey", "{plan:#?}");
        plan.assert_sorts_nothing();
    }
    for List { table, sql, types, values, index } in lists().into_iter().chain(audit::lists()) {
        let plan = database.plan(&sql, types, &values).await;
        assert_eq!(plan.scan(table)["Index Name"], index, "{plan:#?}");
        plan.assert_sorts_nothing();
    }
    for other in others()
        .into_iter()
        .chain(change::others())
        .chain(built::others())
        .chain(participant::others())
        .chain(attachment::others())
    {
        let plan = database.plan(&other.sql, other.types, &other.values).await;
        assert_eq!(plan.indexes(), other.reads, "{plan:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_narrows_a_list_by_its_index_where_no_sample_has_another_status() {
    let mut database = Database::migrated().await;
    let sessions = "INSERT INTO sessions (
             tenant_id, id, user_id, status, metadata, created_at, updated_at,
             rev, version, last_seq, message_count, public_message_count
         )
         SELECT 'default', gen_random_uuid(), 'user-' || i % 3, 'active', '{}', now(), now(), 1, 1, 0, 0, 0
         FROM generate_series(1, 3000) i; ANALYZE sessions";
    database.connection.batch_execute(sessions).await.unwrap();
    for List { sql, types, values, index, .. } in lists() {
        let plan = database.plan(&sql, types, &values).await;
        assert_eq!(plan.scan("sessions")["Index Name"], index, "{plan:#?}");
    }
}
