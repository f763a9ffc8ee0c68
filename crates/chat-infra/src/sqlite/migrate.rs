//! Brings the tables up to date. The file is claimed by then, so no other node does the same at the same time.

use std::path::Path;

use diesel::SqliteConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::checkpoint::emptied;
use super::connection::{sort_in_memory, sort_on_disk};
use super::value::Unreadable;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Runs what has not been run yet, each migration in a transaction of its own.
pub(super) fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), Unreadable> {
    if connection.has_pending_migration(MIGRATIONS)? {
        // An index of a large table is sorted first, and memory for all of it there may be none.
        sort_on_disk(connection, path)?;
        connection.run_pending_migrations(MIGRATIONS)?;
        sort_in_memory(connection)?;
        // It leaves a large log, too, which no request is to wait for.
        emptied(connection)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use diesel::dsl::sql;
    use diesel::sql_types::Integer;
    use diesel::{Connection as _, RunQueryDsl as _};

    use super::*;
    use crate::sqlite::connection::open_writer;

    #[test]
    fn what_migrations_made_is_in_the_file_itself_before_anything_else_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("chat.db"), directory.path().join("copy.db"));
        let mut connection = open_writer(&path, Duration::from_secs(5)).unwrap();
        migrate(&mut connection, &path).unwrap();
        assert_eq!(std::fs::metadata(directory.path().join("chat.db-wal")).unwrap().len(), 0);
        std::fs::copy(&path, &copy).unwrap();
        let mut without_log = SqliteConnection::establish(copy.to_str().unwrap()).unwrap();
        let indexes = sql::<Integer>("SELECT count(*) FROM sqlite_schema WHERE name = 'messages_by_kind'");
        assert_eq!(indexes.get_result::<i32>(&mut without_log).unwrap(), 1);
    }
}
