//! Brings the tables up to date. The file is claimed by then, so no other node does the same at the same time.

use diesel::SqliteConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::value::Unreadable;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Runs what has not been run yet, each migration in a transaction of its own.
pub(super) fn migrate(connection: &mut SqliteConnection) -> Result<(), Unreadable> {
    connection.run_pending_migrations(MIGRATIONS).map(drop)
}
