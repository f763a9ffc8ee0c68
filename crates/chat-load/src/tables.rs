//! The tables as the service makes them, for tests: with all migrations, so that a column that must be filled and is not
//! is seen.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

/// Runs the migrations of SQLite.
pub(crate) fn make(connection: &Connection) {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let mut migrations: Vec<_> = fs::read_dir(migrations).unwrap().map(|entry| entry.unwrap().path()).collect();
    migrations.sort();
    for migration in migrations {
        connection.execute_batch(&fs::read_to_string(migration.join("up.sql")).unwrap()).unwrap();
    }
}
