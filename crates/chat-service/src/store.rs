//! The store that the settings name, behind its ports.

use std::sync::Arc;

use chat_domain::health::Probe;
use chat_domain::idempotency::IdempotencyRepository;
use chat_domain::message::MessageRepository;
use chat_domain::session::{RevisionSource, SessionRepository};
use chat_infra::postgres::{PgConfig, PgStore};
use chat_infra::sqlite::{SqliteConfig, SqliteStore};
use secrecy::SecretString;

use crate::settings::{Database, Settings};

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The file does not open.
    #[error(transparent)]
    Sqlite(#[from] chat_infra::sqlite::OpenError),
    /// The server cannot be used.
    #[error(transparent)]
    Postgres(#[from] chat_infra::postgres::PgStartError),
    /// The settings ask for more than a machine can have.
    #[error("no thread to open the store on")]
    Thread(#[from] tokio::task::JoinError),
}

/// What the service needs of a store.
pub(crate) struct Ports {
    pub(crate) sessions: Arc<dyn SessionRepository>,
    pub(crate) messages: Arc<dyn MessageRepository>,
    pub(crate) idempotency: Arc<dyn IdempotencyRepository>,
    pub(crate) revisions: Arc<dyn RevisionSource>,
    pub(crate) probe: Arc<dyn Probe>,
    /// How many may write at once.
    pub(crate) writers: usize,
}

/// An open store, its tables up to date.
pub(crate) enum OpenStore {
    /// A file.
    Sqlite(SqliteStore),
    /// A server.
    Postgres(PgStore),
}

impl OpenStore {
    /// Brings the tables up to date and opens the store.
    ///
    /// # Errors
    /// A file that is in use or cannot be opened, a server that cannot be reached or whose tables cannot be altered.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, StoreError> {
        match &settings.database {
            Database::Sqlite(path) => {
                let mut config = SqliteConfig::new(path);
                config.readers = settings.sqlite_readers;
                config.deadline = settings.store_deadline;
                // Migrations and opening wait for the disk.
                let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&config)).await?;
                Ok(Self::Sqlite(opened?))
            }
            Database::Postgres(url) => {
                let config = postgres(settings, url);
                let migrating = settings.migrate_database_url.as_ref().unwrap_or(url);
                chat_infra::postgres::migrate(&postgres(settings, migrating)).await?;
                Ok(Self::Postgres(PgStore::connect(&config).await?))
            }
        }
    }

    /// The ports.
    pub(crate) fn ports(&self, settings: &Settings) -> Ports {
        match self {
            Self::Sqlite(store) => Ports {
                sessions: store.sessions(),
                messages: store.messages(),
                idempotency: store.idempotency(),
                revisions: store.revisions(),
                probe: store.probe(),
                writers: 1,
            },
            Self::Postgres(store) => Ports {
                sessions: store.sessions(),
                messages: store.messages(),
                idempotency: store.idempotency(),
                revisions: store.revisions(),
                probe: Arc::new(store.probe()),
                writers: settings.group_commit_shards,
            },
        }
    }

    /// Lets go of the store once nobody needs it.
    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(_) => {}
        }
    }
}

fn postgres(settings: &Settings, url: &SecretString) -> PgConfig {
    let mut config = PgConfig::new(url.clone());
    config.max_connections = settings.database_max_connections;
    config.deadline = settings.store_deadline;
    config
}
