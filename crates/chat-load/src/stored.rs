//! A store that has grown: many messages, and one session that holds a tenth of them.
//!
//! Ids begin with zeros, so that those of messages that come later lie behind them, as they do where a store has grown
//! over time.

use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};

use crate::case::CONTENT;
use crate::error::LoadError;
use crate::population::Place;

/// The tenant of all that is stored, which is the first of a load's.
pub(crate) const TENANT: &str = "load-0";
/// The id of the long session.
pub(crate) const LONG_SESSION: &str = "00000000-0000-7000-8000-000000000000";

/// Messages in each session but the long one; the SQL says so too.
const EACH: u64 = 100;

/// How much is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Messages of the long session.
    pub(crate) long: u64,
    /// Sessions beside it.
    pub(crate) others: u64,
}

impl Stored {
    /// So many messages, to a hundred.
    pub(crate) const fn of(messages: u64) -> Self {
        let long = messages / 10;
        Self { long, others: (messages - long) / EACH }
    }

    /// So many of the sessions, evenly spread over all; the first is the long one.
    pub(crate) fn places(self, sessions: usize) -> Vec<Place> {
        let all = self.others + 1;
        let wanted = u64::try_from(sessions).unwrap_or(u64::MAX).min(all);
        (0..wanted).map(|number| place(number * all / wanted)).collect()
    }
}

/// The session of this number, as the SQL names it and its user.
fn place(number: u64) -> Place {
    Place {
        tenant: TENANT.to_owned(),
        user: format!("stored-{:016}", number / 10),
        session: format!("00000000-0000-7000-8000-{number:012x}"),
    }
}

/// No log and no syncs while it fills; the service sets its own.
const QUICKLY: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
    PRAGMA cache_size = -400000; PRAGMA temp_store = FILE; BEGIN;";

const SESSIONS: &str = "
    INSERT INTO sessions (tenant_id, id, user_id, status, created_at, updated_at, rev, version, last_seq, message_count,
                          last_message_at, public_message_count, last_public_message_at, metadata)
    WITH RECURSIVE s(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM s WHERE i < ?2),
         sizes(i, n) AS (SELECT i, CASE i WHEN 0 THEN ?1 ELSE ?3 END FROM s)
    SELECT ?4, unhex('0000000000007000' || printf('8000%012x', i)), printf('stored-%016d', i / 10), 'active', 1, 1, n + 1, 1, n, n, 1,
           n, 1, '{}'
    FROM sizes";

const MESSAGES: &str = "
    INSERT INTO messages (tenant_id, session_id, seq, id, rev, sender_type, sender_id, message_type, visibility,
                          created_at, extension_count, metadata, content)
    WITH RECURSIVE m(s, seq) AS (
        VALUES (0, 1)
        UNION ALL
        SELECT CASE WHEN seq < CASE s WHEN 0 THEN ?1 ELSE ?3 END THEN s ELSE s + 1 END,
               CASE WHEN seq < CASE s WHEN 0 THEN ?1 ELSE ?3 END THEN seq + 1 ELSE 1 END
        FROM m WHERE s < ?2 OR seq < CASE s WHEN 0 THEN ?1 ELSE ?3 END
    )
    SELECT ?4, unhex('0000000000007000' || printf('8000%012x', s)), seq,
           unhex('0000000000007000' || printf('9000%012x', CASE s WHEN 0 THEN seq ELSE ?1 + s * ?3 + seq END)), seq + 1,
           'user', printf('stored-%016d', s / 10), 'text', 'public', 1, 0, '{}', ?5
    FROM m";

/// Fills an SQLite file that a service has made and left.
///
/// # Errors
/// Where the file is not there or refuses a row.
pub(crate) fn fill_sqlite(file: &Path, stored: Stored) -> Result<(), LoadError> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch(QUICKLY)?;
    // Indexes that are made when the rows are there are made several times faster.
    let indexes = indexes(&connection)?;
    for (name, _) in &indexes {
        connection.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    let (long, others) = (stored.long.cast_signed(), stored.others.cast_signed());
    let each = EACH.cast_signed();
    connection.execute(SESSIONS, params![long, others, each, TENANT])?;
    connection.execute(MESSAGES, params![long, others, each, TENANT, CONTENT])?;
    for (_, definition) in &indexes {
        connection.execute_batch(definition)?;
    }
    connection.execute_batch("COMMIT; ANALYZE; PRAGMA journal_mode = WAL;")?;
    drop(connection);
    // What filling left to the system to write shall not wait for the first sync that is measured.
    let synced = File::open(file).and_then(|file| file.sync_all());
    synced.map_err(|source| LoadError::io("cannot sync the filled file", source))
}

fn indexes(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let named =
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'messages' AND sql IS NOT NULL";
    let mut statement = connection.prepare(named)?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{population, tables};

    #[test]
    fn a_tenth_of_the_messages_is_in_one_session() {
        assert_eq!(Stored::of(10_000_000), Stored { long: 1_000_000, others: 90_000 });
    }

    #[test]
    fn sessions_are_picked_from_all_over_the_store_and_none_twice() {
        let ids = |others, sessions| -> Vec<u64> {
            let picked = Stored { long: 1, others }.places(sessions);
            picked.iter().map(|place| u64::from_str_radix(&place.session[24..], 16).unwrap()).collect()
        };
        assert_eq!(ids(90_000, 4), [0, 22_500, 45_000, 67_500]);
        assert_eq!(ids(2, 200), [0, 1, 2]);
        assert_eq!(Stored { long: 1, others: 0 }.places(1)[0].session, LONG_SESSION);
    }

    #[test]
    fn answers_about_stored_sessions_are_as_long_as_about_fresh_ones() {
        let stored = Stored::of(10_000_000).places(200);
        assert!(stored.iter().all(|place| place.user.len() == population::user(1, 0).len()));
    }

    #[test]
    fn the_sessions_that_are_spoken_of_are_those_that_were_stored() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("chat.db");
        tables::make(&Connection::open(&file).unwrap());
        let stored = Stored { long: 60, others: 12 };
        fill_sqlite(&file, stored).unwrap();
        let connection = Connection::open(&file).unwrap();
        let places = stored.places(200);
        assert_eq!(places.len(), 13);
        for place in places {
            let known = "SELECT count(*) FROM sessions s JOIN messages m USING (tenant_id)
                WHERE tenant_id = ?1 AND s.id = unhex(replace(?2, '-', '')) AND user_id = ?3 AND sender_id = ?3
                    AND m.session_id = s.id AND seq = 50";
            let count: i64 = connection
                .query_row(known, params![place.tenant, place.session, place.user], |row| row.get(0))
                .unwrap();
            assert_eq!(count, 1, "{place:?}");
        }
    }

    #[test]
    fn the_counters_of_each_session_fit_its_messages() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("chat.db");
        let made = Connection::open(&file).unwrap();
        tables::make(&made);
        let indexes_made = indexes(&made).unwrap();
        drop(made);
        fill_sqlite(&file, Stored { long: 250, others: 3 }).unwrap();
        let connection = Connection::open(&file).unwrap();
        let count = |question: &str| -> i64 { connection.query_row(question, [], |row| row.get(0)).unwrap() };
        assert_eq!(count("SELECT count(*) FROM messages"), 550);
        assert_eq!(count("SELECT count(DISTINCT id) FROM messages"), 550);
        let wrong = "SELECT count(*) FROM sessions s WHERE last_seq <>
            (SELECT max(seq) FROM messages m WHERE m.tenant_id = s.tenant_id AND m.session_id = s.id)";
        assert_eq!(count(wrong), 0);
        assert!(!indexes_made.is_empty());
        assert_eq!(indexes(&connection).unwrap(), indexes_made);
    }
}
