//! Opens connections and sets them up: the settings that durability and memory hang on.

use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::sql_types::Text;
use diesel::{Connection as _, ConnectionError, QueryResult, RunQueryDsl as _, SqliteConnection};

/// Pages that the writer keeps, in KiB: the leaves that a batch touches, index by index.
const WRITER_CACHE_KIB: u32 = 4 * 1024;
/// Pages that each reader keeps, in KiB; the system's own cache holds the rest.
const READER_CACHE_KIB: u32 = 2 * 1024;

/// Why a connection did not come about.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the path is not valid UTF-8")]
    Path,
    #[error(transparent)]
    Open(#[from] ConnectionError),
    #[error(transparent)]
    Setting(#[from] diesel::result::Error),
    #[error("the file system does not allow a write-ahead log, only the journal mode `{0}`")]
    JournalMode(String),
}

/// Opens the connection that writes.
pub(super) fn open_writer(path: &Path, busy: Duration) -> Result<SqliteConnection, ConnectError> {
    let mut connection = open(path, busy, WRITER_CACHE_KIB)?;
    // WAL with FULL: every commit is on the disk before it is answered. `fullfsync` is what macOS needs for that. The
    // log is cut back after a burst, so that it does not keep its largest size for ever; it is moved into the file by
    // `checkpoint`.
    connection.batch_execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON; PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 0;",
    )?;
    match setting(&mut connection, "PRAGMA journal_mode")? {
        mode if mode == "wal" => Ok(connection),
        mode => Err(ConnectError::JournalMode(mode)),
    }
}

/// Opens the connection that moves the log into the file, and writes nothing else.
pub(super) fn open_mover(path: &Path, busy: Duration) -> Result<SqliteConnection, ConnectError> {
    let mut connection = open(path, busy, READER_CACHE_KIB)?;
    // The log may only begin anew once the file is on the disk.
    connection.batch_execute("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;")?;
    Ok(connection)
}

/// Opens a connection that cannot write.
pub(super) fn open_reader(path: &Path, busy: Duration) -> Result<SqliteConnection, ConnectError> {
    let mut connection = open(path, busy, READER_CACHE_KIB)?;
    connection.batch_execute("PRAGMA query_only = ON;")?;
    Ok(connection)
}

/// From now on what does not fit into the connection's pages while it sorts goes to the disk, beside the file: a container
/// may have no other place that can be written to. That place is one for the whole process.
pub(super) fn sort_on_disk(connection: &mut SqliteConnection, path: &Path) -> QueryResult<()> {
    let directory = path.parent().and_then(Path::to_str).unwrap_or_default().replace('\'', "''");
    connection.batch_execute(&format!("PRAGMA temp_store = FILE; PRAGMA temp_store_directory = '{directory}';"))
}

/// Undoes that: what serves requests sorts little.
pub(super) fn sort_in_memory(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute("PRAGMA temp_store = MEMORY;")
}

/// What one setting stands at.
pub(super) fn setting(connection: &mut SqliteConnection, pragma: &str) -> QueryResult<String> {
    sql::<Text>(pragma).get_result(connection)
}

/// No memory map: what is mapped counts as the process's own memory once it is read.
fn open(path: &Path, busy: Duration, cache_kib: u32) -> Result<SqliteConnection, ConnectError> {
    let mut connection = SqliteConnection::establish(path.to_str().ok_or(ConnectError::Path)?)?;
    connection.batch_execute(&format!(
        "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA cache_size = -{cache_kib};",
        busy.as_millis()
    ))?;
    Ok(connection)
}
