//! Messages stored one by one on SQLite: the yardstick of group commit. One thread, one connection, one transaction for
//! each message, with the settings under which the service writes (write-ahead log, `synchronous` FULL).

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};

use crate::case::CONTENT;
use crate::error::LoadError;

/// As the service's writer sets its connection, but for the log, which is moved into the file as SQLite does it by itself:
/// every 1,000 pages, within a commit.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON; PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096;";

const COUNT_UP: &str = "UPDATE sessions
    SET last_seq = last_seq + 1, rev = rev + 1, message_count = message_count + 1,
        public_message_count = public_message_count + 1, last_message_at = ?3, last_public_message_at = ?3,
        updated_at = max(updated_at, ?3)
    WHERE tenant_id = ?1 AND id = ?2 AND status <> 'ended'
    RETURNING last_seq, rev";

const INSERT: &str = "INSERT INTO messages (tenant_id, session_id, seq, id, rev, sender_type, sender_id, message_type,
        visibility, created_at, extension_count, metadata, content)
    VALUES (?1, ?2, ?3, ?4, ?5, 'user', 'user-1', 'text', 'public', ?6, 0, '{}', ?7)";

/// Stores messages for so long, in the file's sessions in turn; how many a second.
///
/// # Errors
/// Where the file is not there, holds no session, or refuses a message.
pub(crate) fn run(file: &Path, length: Duration) -> Result<f64, LoadError> {
    let mut connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch(SETTINGS)?;
    let sessions = sessions(&connection)?;
    // Later than all that is there, so that ids grow as the service's do.
    let first: i64 = connection.query_row("SELECT coalesce(max(updated_at), 0) FROM sessions", [], |row| row.get(0))?;
    let begin = Instant::now();
    let mut stored = 0_u32;
    for (tenant, session) in sessions.iter().cycle() {
        stored += 1;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        store(&transaction, tenant, session, first + i64::from(stored))?;
        transaction.commit()?;
        if begin.elapsed() >= length {
            break;
        }
    }
    if stored == 0 {
        return Err(LoadError::failed("the file holds no session"));
    }
    Ok(f64::from(stored) / begin.elapsed().as_secs_f64())
}

fn sessions(connection: &Connection) -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
    let mut statement = connection.prepare("SELECT tenant_id, id FROM sessions WHERE status <> 'ended'")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Counts up the session, checks it, inserts.
fn store(transaction: &Transaction<'_>, tenant: &str, session: &[u8], now: i64) -> rusqlite::Result<()> {
    let (seq, rev): (i64, i64) = transaction
        .prepare_cached(COUNT_UP)?
        .query_row(params![tenant, session, now], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut insert = transaction.prepare_cached(INSERT)?;
    insert.execute(params![tenant, session, seq, id(now).as_slice(), rev, now, CONTENT])?;
    Ok(())
}

/// 16 bytes that sort by time, as a UUIDv7 does.
fn id(now: i64) -> [u8; 16] {
    (i128::from(now) << 64).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables;

    fn file(directory: &tempfile::TempDir, session: &str) -> std::path::PathBuf {
        let file = directory.path().join("chat.db");
        let connection = Connection::open(&file).unwrap();
        tables::make(&connection);
        connection.execute_batch(session).unwrap();
        file
    }

    #[test]
    fn what_is_counted_is_stored_and_the_session_has_moved_on() {
        let directory = tempfile::tempdir().unwrap();
        let session = "INSERT INTO sessions (tenant_id, id, user_id, status, created_at, updated_at, rev, version,
                last_seq, message_count, public_message_count, metadata)
            VALUES ('t', zeroblob(16), 'u', 'active', 5, 5, 1, 1, 0, 0, 0, '{}')";
        let file = file(&directory, session);
        assert!(run(&file, Duration::from_millis(20)).unwrap() > 0.0);
        assert!(run(&file, Duration::from_millis(20)).unwrap() > 0.0);
        let counts = "SELECT last_seq, rev - 1, message_count, (SELECT count(*) FROM messages) FROM sessions";
        let of = |row: &rusqlite::Row<'_>| -> rusqlite::Result<[i64; 4]> {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
        };
        let counts = Connection::open(&file).unwrap().query_row(counts, [], of).unwrap();
        assert!(counts[0] > 1);
        assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    }

    #[test]
    fn a_file_without_sessions_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert!(run(&file(&directory, ""), Duration::from_millis(1)).is_err());
        assert!(run(&directory.path().join("none.db"), Duration::from_millis(1)).is_err());
    }
}
