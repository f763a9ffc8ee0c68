//! Fills a file with a great deal in a few seconds: no log, no syncs, and the indexes made afterwards.

use chat_domain::id::SessionId;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl as _, SqliteConnection};
use uuid::Uuid;

/// The session with most of the messages.
pub(super) const LONG_SESSION: SessionId = SessionId::new(Uuid::from_bytes(*b"0000000000000000"));
/// How many it has.
pub(super) const LONG: i64 = 400_000;
/// In it, the messages above this `seq` and up to the next bound are deleted.
pub(super) const DELETED_ABOVE: i64 = 100_000;
/// And those above this one, up to the next bound, are internal.
pub(super) const INTERNAL_ABOVE: i64 = 200_000;
/// From here on everything is shown to everyone again.
pub(super) const SHOWN_ABOVE: i64 = LONG - 50;

const SESSIONS: i64 = 200_000;
const MESSAGES_EACH: i64 = 3;

#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

/// A million messages in two hundred thousand sessions.
pub(super) fn fill(connection: &mut SqliteConnection) {
    quickly(connection, |connection| {
        connection.batch_execute(&sessions(0, SESSIONS)).unwrap();
        connection.batch_execute(&long_session()).unwrap();
        connection.batch_execute(&other_messages()).unwrap();
    });
}

/// The long session alone.
pub(super) fn fill_one_session(connection: &mut SqliteConnection) {
    quickly(connection, |connection| {
        connection.batch_execute(&sessions(0, 0)).unwrap();
        connection.batch_execute(&long_session()).unwrap();
    });
}

fn quickly(connection: &mut SqliteConnection, fill: impl FnOnce(&mut SqliteConnection)) {
    let pragmas = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
                   PRAGMA ignore_check_constraints = ON; PRAGMA cache_size = -200000; BEGIN;";
    connection.batch_execute(pragmas).unwrap();
    let indexes = diesel::sql_query("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL");
    let indexes: Vec<Definition> = indexes.load(connection).unwrap();
    for index in &indexes {
        connection.batch_execute(&format!("DROP INDEX {}", index.name)).unwrap();
    }
    fill(connection);
    for index in &indexes {
        connection.batch_execute(&index.sql).unwrap();
    }
    connection.batch_execute("COMMIT").unwrap();
}

fn numbers(name: &str, first: i64, last: i64) -> String {
    format!("{name}(i) AS (VALUES ({first}) UNION ALL SELECT i + 1 FROM {name} WHERE i < {last})")
}

fn sessions(first: i64, last: i64) -> String {
    let numbers = numbers("n", first, last);
    format!(
        "INSERT INTO sessions (tenant_id, id, user_id, status, created_at, updated_at, rev, version, last_seq,
                               message_count, public_message_count, metadata)
         WITH RECURSIVE {numbers}
         SELECT 'default', CAST(printf('%016d', i) AS BLOB), CASE i % 2 WHEN 0 THEN 'crowd' ELSE 'user-' || i % 999 END,
                CASE i % 3 WHEN 0 THEN 'active' ELSE 'waiting' END, i, i, 4, 1, {MESSAGES_EACH}, {MESSAGES_EACH},
                {MESSAGES_EACH}, '{{}}'
         FROM n"
    )
}

const COLUMNS: &str = "INSERT INTO messages (tenant_id, session_id, seq, id, rev, sender_type, sender_id, message_type,
                                             visibility, created_at, deleted_at, extension_count, metadata, content)";

fn long_session() -> String {
    let numbers = numbers("n", 1, LONG);
    format!(
        "{COLUMNS} WITH RECURSIVE {numbers}
         SELECT 'default', CAST(printf('%016d', 0) AS BLOB), i, CAST(printf('%016d', i) AS BLOB), i + 1, 'user', 'crowd',
                'text', CASE WHEN i > {INTERNAL_ABOVE} AND i <= {SHOWN_ABOVE} THEN 'internal' ELSE 'public' END, i,
                CASE WHEN i > {DELETED_ABOVE} AND i <= {INTERNAL_ABOVE} THEN i END, 0, '{{}}', 'hello'
         FROM n"
    )
}

fn other_messages() -> String {
    let (outer, inner) =
        (numbers("n", 1, SESSIONS), numbers("m", 1, MESSAGES_EACH).replace("(i)", "(j)").replace('i', "j"));
    format!(
        "{COLUMNS} WITH RECURSIVE {outer}, {inner}
         SELECT 'default', CAST(printf('%016d', i) AS BLOB), j,
                CAST(printf('%016d', {LONG} + i * {MESSAGES_EACH} + j) AS BLOB), j + 1, 'user', 'crowd', 'text', 'public',
                i, CASE j WHEN 2 THEN i END, 0, '{{}}', 'hello'
         FROM n CROSS JOIN m"
    )
}
