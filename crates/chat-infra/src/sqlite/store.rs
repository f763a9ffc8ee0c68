//! The open store: its file, its threads, and the ports on top of them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use chat_domain::attachment::AttachmentRepository;
use chat_domain::audit::AuditRepository;
use chat_domain::extension::ExtensionRepository;
use chat_domain::health::Probe;
use chat_domain::idempotency::IdempotencyRepository;
use chat_domain::message::{MessagePages, MessageRepository};
use chat_domain::participant::{ParticipantRepository, UnreadCounts};
use chat_domain::session::{RevisionSource, SessionRepository};

use super::changes::Memory;
use super::checkpoint::{ATTEMPT, Bounds, Log};
use super::connection::{open_mover, open_reader, open_writer};
use super::figures::Figures;
use super::file::ClaimedFile;
use super::migrate::migrate;
use super::reader::Readers;
use super::user_lists::UserLists;
use super::value::Unreadable;
use super::writer::Writer;
use super::{
    SqliteAttachments, SqliteAudit, SqliteConfig, SqliteExtensions, SqliteIdempotency, SqliteMessages,
    SqliteParticipants, SqliteProbe, SqliteRevisions, SqliteSessions, SqliteUnread,
};
use crate::operation::{Observed, System};

/// The ways to the threads. A clone leads to the same ones.
#[derive(Clone)]
pub(super) struct Threads {
    pub(super) readers: Readers,
    pub(super) writer: Writer,
}

/// An open SQLite file. A clone is a handle on the same one.
#[derive(Clone)]
pub struct SqliteStore {
    pub(super) readers: Readers,
    pub(super) writer: Writer,
    /// The same ways, for one named operation at a time.
    pub(super) observed: Observed<Threads>,
    pub(super) memory: Memory,
    pub(super) user_lists: UserLists,
    /// The thread that ends after all others.
    last: Arc<Mutex<Option<JoinHandle<()>>>>,
    figures: Figures,
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
        migrate(&mut writing, path).map_err(|source| OpenError::Migration { path: path.to_owned(), source })?;
        let reading = (0..config.readers.get()).map(|_| open_reader(path, busy)).collect::<Result<Vec<_>, _>>();
        let reading = reading.map_err(|error| unusable(error.into()))?;
        let moving = open_mover(path, ATTEMPT).map_err(|error| unusable(error.into()))?;
        let memory = Memory::new();
        let (readers, mut others) = Readers::start(config, reading, &file).map_err(OpenError::Thread)?;
        let bounds = Bounds::serving(config.deadline);
        let (log, mover) = Log::start(moving, Arc::clone(&file), bounds).map_err(OpenError::Thread)?;
        others.push(mover);
        let writer = Writer::start(config, writing, file, memory.clone(), log, others);
        let (writer, last) = writer.map_err(OpenError::Thread)?;
        let ways = Threads { readers: readers.clone(), writer: writer.clone() };
        let observed = Observed::new(System::Sqlite, ways);
        let last = Arc::new(Mutex::new(Some(last)));
        let user_lists = UserLists::new(config.list_bytes, config.list_ttl, memory.clone());
        Ok(Self { readers, writer, observed, memory, user_lists, last, figures: Figures::new() })
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

    /// The messages, page by page.
    #[must_use]
    pub fn pages(&self) -> Arc<dyn MessagePages> {
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

    /// What is known of attachments.
    #[must_use]
    pub fn attachments(&self) -> Arc<dyn AttachmentRepository> {
        Arc::new(SqliteAttachments::new(self))
    }

    /// The audit.
    #[must_use]
    pub fn audit(&self) -> Arc<dyn AuditRepository> {
        Arc::new(SqliteAudit::new(self))
    }

    /// Who has read how much.
    #[must_use]
    pub fn participants(&self) -> Arc<dyn ParticipantRepository> {
        Arc::new(SqliteParticipants::new(self))
    }

    /// What is unread.
    #[must_use]
    pub fn unread(&self) -> Arc<dyn UnreadCounts> {
        Arc::new(SqliteUnread::new(self))
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

    /// Sets the gauges of the queues to what waits in them at the moment.
    pub fn look(&self) {
        self.figures.waiting(self.readers.waiting(), self.writer.waiting());
    }

    /// Finishes what is queued, moves the log into the database file and lets the file go. Whoever asks later is told
    /// that the store is unavailable.
    pub async fn close(&self) {
        self.readers.stop().await;
        self.writer.stop().await;
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(last) = last {
            // A thread that panicked has ended, too.
            _ = tokio::task::spawn_blocking(|| last.join()).await;
        }
    }
}
