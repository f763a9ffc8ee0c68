//! The store that the settings name, behind its ports.

use std::sync::Arc;

use chat_domain::audit::AuditRepository;
use chat_domain::health::Probe;
use chat_domain::idempotency::IdempotencyRepository;
use chat_domain::message::{MessagePages, MessageRepository};
use chat_domain::session::{RevisionSource, SessionRepository};
use chat_infra::decorator::{SharedRevs, SharedRevsConfig};
use chat_infra::postgres::{PgConfig, PgStartError, PgStore};
use chat_infra::sqlite::{OpenError, SqliteConfig, SqliteStore};
use secrecy::SecretString;

use crate::figures::Look;
use crate::settings::{Database, Settings};

/// Why there is no store; begins with the setting that says which store it would be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The file does not open.
    #[error("DATABASE_URL or DATA_DIR")]
    Sqlite(#[from] OpenError),
    /// The server cannot be used.
    #[error("{setting}")]
    Postgres {
        /// The setting that names the server.
        setting: &'static str,
        /// Why.
        source: PgStartError,
    },
    /// The settings ask for more than a machine can have.
    #[error("no thread to open the store on")]
    Thread(#[from] tokio::task::JoinError),
}

/// What the service needs of a store.
pub(crate) struct Ports {
    pub(crate) sessions: Arc<dyn SessionRepository>,
    pub(crate) messages: Arc<dyn MessageRepository>,
    pub(crate) pages: Arc<dyn MessagePages>,
    pub(crate) idempotency: Arc<dyn IdempotencyRepository>,
    pub(crate) audit: Arc<dyn AuditRepository>,
    /// As cheap to ask as the store allows: each page is asked for here first.
    pub(crate) revisions: Arc<dyn RevisionSource>,
    pub(crate) probe: Arc<dyn Probe>,
    /// How many may write at once.
    pub(crate) writers: usize,
    /// Sees how the store is at the moment.
    pub(crate) look: Look,
}

/// An open store, its tables up to date.
pub(crate) enum OpenStore {
    /// A file.
    Sqlite(SqliteStore),
    /// A server.
    Postgres(Box<PgStore>),
}

impl StoreError {
    /// Whether a setting is wrong, whatever the server says.
    pub(crate) const fn is_wrong_setting(&self) -> bool {
        matches!(self, Self::Postgres { source: PgStartError::Url(_), .. })
    }
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
                config.list_bytes = settings.caches().lists;
                config.list_ttl = settings.cache_ttl;
                // Migrations and opening wait for the disk.
                let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&config)).await?;
                Ok(Self::Sqlite(opened?))
            }
            Database::Postgres(url) => {
                let config = postgres(settings, url);
                let (setting, migrating) = match &settings.migrate_database_url {
                    Some(url) => ("MIGRATE_DATABASE_URL", url),
                    None => ("DATABASE_URL", url),
                };
                let migrated = chat_infra::postgres::migrate(&postgres(settings, migrating), Some(&config)).await;
                let run = migrated.map_err(|source| StoreError::Postgres { setting, source })?;
                tracing::info!(migrations = run.join(", "), "tables up to date");
                let connected = PgStore::connect(&config).await;
                connected
                    .map(Box::new)
                    .map(Self::Postgres)
                    .map_err(|source| StoreError::Postgres { setting: "DATABASE_URL", source })
            }
        }
    }

    /// The ports.
    pub(crate) fn ports(&self, settings: &Settings) -> Ports {
        match self {
            Self::Sqlite(store) => Ports {
                sessions: store.sessions(),
                messages: store.messages(),
                pages: store.pages(),
                idempotency: store.idempotency(),
                audit: store.audit(),
                revisions: store.revisions(),
                probe: store.probe(),
                writers: 1,
                look: look(store, SqliteStore::look),
            },
            Self::Postgres(store) => Ports {
                sessions: store.sessions(),
                messages: store.messages(),
                pages: store.pages(),
                idempotency: store.idempotency(),
                audit: store.audit(),
                revisions: Arc::new(SharedRevs::spawn(store.revisions(), &shared_revs(settings))),
                probe: Arc::new(store.probe()),
                writers: settings.group_commit_shards,
                look: look(&**store, PgStore::look),
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

fn look<S: Clone + Send + Sync + 'static>(store: &S, look: fn(&S)) -> Look {
    let store = store.clone();
    Box::new(move || look(&store))
}

fn postgres(settings: &Settings, url: &SecretString) -> PgConfig {
    let mut config = PgConfig::new(url.clone());
    config.max_connections = settings.database_max_connections;
    config.deadline = settings.store_deadline;
    config.lock_wait = config.lock_wait.min(settings.store_deadline / 4);
    config
}

fn shared_revs(settings: &Settings) -> SharedRevsConfig {
    SharedRevsConfig { patience: settings.store_deadline, ..SharedRevsConfig::default() }
}
