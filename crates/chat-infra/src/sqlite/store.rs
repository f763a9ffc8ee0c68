//! The open store: its file, its threads, and the ports on top of them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use chat_domain::extension::ExtensionRepository;
use chat_domain::health::Probe;
use chat_domain::idempotency::IdempotencyRepository;
use chat_domain::message::MessageRepository;
use chat_domain::session::{RevisionSource, SessionRepository};

use super::connection::{open_reader, open_writer};
use super::file::ClaimedFile;
use super::migrate::migrate;
use super::reader::Readers;
use super::value::Unreadable;
use super::writer::Writer;
use super::{
    SqliteConfig, SqliteExtensions, SqliteIdempotency, SqliteMessages, SqliteProbe, SqliteRevisions, SqliteSessions,
};

/// An open SQLite file. A clone is a handle on the same one.
#[derive(Clone)]
pub struct SqliteStore {
    pub(super) readers: Readers,
    pub(super) writer: Writer,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store is open already, here or in another process.
    #[error("{path} is in use by another process; a SQLite database serves one process at a time")]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// A file or directory could not be made or opened.
    #[error("cannot open {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file opens, but SQLite cannot work with it.
    #[error("cannot use {path} as a SQLite database")]
    Database {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        source: Unreadable,
    },
    /// The tables could not be brought up to date.
    #[error("cannot bring the tables of {path} up to date")]
    Migration {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        source: Unreadable,
    },
    /// The system gives no more threads.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

impl SqliteStore {
    /// Claims the file, brings its tables up to date and starts the threads. Blocks meanwhile, for as long as migrations
    /// take.
    ///
    /// # Errors
    /// Where another process has the file, or it cannot be used.
    pub fn open(config: &SqliteConfig) -> Result<Self, OpenError> {
        let file = Arc::new(ClaimedFile::claim(&config.path)?);
        let path = file.path();
        let unusable = |source: Unreadable| OpenError::Database { path: path.to_owned(), source };
        // Only a foreign tool can hold a lock; half the deadline leaves time for the work itself.
        let busy = config.deadline / 2;
        let mut writing = open_writer(path, busy).map_err(|error| unusable(error.into()))?;
        migrate(&mut writing).map_err(|source| OpenError::Migration { path: path.to_owned(), source })?;
        let reading = (0..config.readers.get()).map(|_| open_reader(path, busy)).collect::<Result<Vec<_>, _>>();
        let reading = reading.map_err(|error| unusable(error.into()))?;
        let (readers, mut threads) = Readers::start(config, reading, &file).map_err(OpenError::Thread)?;
        let (writer, thread) = Writer::start(config, writing, file).map_err(OpenError::Thread)?;
        threads.push(thread);
        Ok(Self { readers, writer, threads: Arc::new(Mutex::new(threads)) })
    }

    /// The sessions.
    #[must_use]
    pub fn sessions(&self) -> Arc<dyn SessionRepository> {
        Arc::new(SqliteSessions::new(self))
    }

    /// The messages.
    #[must_use]
    pub fn messages(&self) -> Arc<dyn MessageRepository> {
        Arc::new(SqliteMessages::new(self))
    }

    /// The extensions of messages.
    #[must_use]
    pub fn extensions(&self) -> Arc<dyn ExtensionRepository> {
        Arc::new(SqliteExtensions::new(self))
    }

    /// The idempotency keys.
    #[must_use]
    pub fn idempotency(&self) -> Arc<dyn IdempotencyRepository> {
        Arc::new(SqliteIdempotency::new(self))
    }

    /// How far the sessions have come.
    #[must_use]
    pub fn revisions(&self) -> Arc<dyn RevisionSource> {
        Arc::new(SqliteRevisions::new(self))
    }

    /// Whether the store can be read and written.
    #[must_use]
    pub fn probe(&self) -> Arc<dyn Probe> {
        Arc::new(SqliteProbe::new(self))
    }

    /// Finishes what is queued, moves the log into the database file and lets the file go. Whoever asks later is told
    /// that the store is unavailable.
    pub async fn close(&self) {
        self.readers.stop().await;
        self.writer.stop().await;
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joining = tokio::task::spawn_blocking(|| {
            for thread in threads {
                // A thread that panicked has ended, too.
                _ = thread.join();
            }
        });
        _ = joining.await;
    }
}
