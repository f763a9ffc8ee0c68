//! The store that the settings name, behind its ports.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use chat_domain::attachment::AttachmentRepository;
use chat_domain::audit::AuditRepository;
use chat_domain::error::chain;
use chat_domain::extension::ExtensionRepository;
use chat_domain::health::Probe;
use chat_domain::idempotency::IdempotencyRepository;
use chat_domain::message::{MessagePages, MessageRepository};
use chat_domain::participant::{ParticipantRepository, UnreadCounts};
use chat_domain::session::{RevisionSource, SessionRepository};
use chat_infra::decorator::{CachedUnread, SharedChanges, SharedRevs, SharedRevsConfig};
use chat_infra::postgres::{PgConfig, PgStartError, PgStore, migrate_until};
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
    /// A signal of this name came before the store was open.
    #[error("stopped by {0} before the store was open")]
    Stopped(&'static str),
}

/// What the service needs of a store.
pub(crate) struct Ports {
    pub(crate) sessions: Arc<dyn SessionRepository>,
    pub(crate) messages: Arc<dyn MessageRepository>,
    pub(crate) pages: Arc<dyn MessagePages>,
    pub(crate) extensions: Arc<dyn ExtensionRepository>,
    pub(crate) idempotency: Arc<dyn IdempotencyRepository>,
    pub(crate) attachments: Arc<dyn AttachmentRepository>,
    pub(crate) audit: Arc<dyn AuditRepository>,
    pub(crate) participants: Arc<dyn ParticipantRepository>,
    pub(crate) unread: Arc<dyn UnreadCounts>,
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
    /// Brings the tables up to date and opens the store, unless `stop` names a signal before that is done: another node's
    /// migrations may take long, and a server that hangs longer.
    ///
    /// # Errors
    /// A file that is in use or cannot be opened, a server that cannot be reached or whose tables cannot be altered, a
    /// signal.
    pub(crate) async fn open(
        settings: &Settings,
        stop: impl Future<Output = &'static str>,
    ) -> Result<Self, StoreError> {
        match &settings.database {
            Database::Sqlite(path) => open_sqlite(settings, path, stop).await.map(Self::Sqlite),
            Database::Postgres(url) => open_postgres(settings, url, stop).await.map(Box::new).map(Self::Postgres),
        }
    }

    /// The ports.
    pub(crate) fn ports(&self, settings: &Settings) -> Ports {
        let kept = |counts| -> Arc<dyn UnreadCounts> { Arc::new(CachedUnread::new(counts, settings.cache_ttl)) };
        match self {
            Self::Sqlite(store) => Ports {
                sessions: store.sessions(),
                messages: store.messages(),
                pages: store.pages(),
                extensions: store.extensions(),
                idempotency: store.idempotency(),
                attachments: store.attachments(),
                audit: store.audit(),
                participants: store.participants(),
                unread: kept(store.unread()),
                revisions: Arc::new(SharedChanges::spawn(store.revisions(), &shared_revs(settings))),
                probe: store.probe(),
                writers: 1,
                look: look(store, SqliteStore::look),
            },
            Self::Postgres(store) => {
                let unread = kept(store.unread());
                Ports {
                    sessions: store.sessions_counted_by(Arc::clone(&unread)),
                    messages: store.messages(),
                    pages: store.pages(),
                    extensions: store.extensions(),
                    idempotency: store.idempotency(),
                    attachments: store.attachments(),
                    audit: store.audit(),
                    participants: store.participants(),
                    unread,
                    revisions: Arc::new(SharedRevs::spawn(store.revisions(), &shared_revs(settings))),
                    probe: Arc::new(store.probe()),
                    writers: settings.group_commit_shards,
                    look: look(&**store, PgStore::look),
                }
            }
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

async fn open_sqlite(
    settings: &Settings,
    path: &Path,
    stop: impl Future<Output = &'static str>,
) -> Result<SqliteStore, StoreError> {
    let mut config = SqliteConfig::new(path);
    config.readers = settings.sqlite_readers;
    config.deadline = settings.store_deadline;
    config.list_bytes = settings.caches().lists;
    config.list_ttl = settings.cache_ttl;
    // Migrations and opening wait for the disk. A migration that is left alone is undone with the process.
    let opening = tokio::task::spawn_blocking(move || SqliteStore::open(&config));
    tokio::select! {
        opened = opening => Ok(opened??),
        signal = stop => Err(StoreError::Stopped(signal)),
    }
}

async fn open_postgres(
    settings: &Settings,
    url: &SecretString,
    stop: impl Future<Output = &'static str>,
) -> Result<PgStore, StoreError> {
    let config = postgres(settings, url);
    let (setting, migrating) = match &settings.migrate_database_url {
        Some(url) => ("MIGRATE_DATABASE_URL", url),
        None => ("DATABASE_URL", url),
    };
    let (mut stop, mut stopped) = (pin!(stop), None);
    let asked = async { stopped = Some((&mut stop).await) };
    tracing::info!(setting, "connecting to the database");
    let migrated = migrate_until(asked, &postgres(settings, migrating), Some(&config)).await;
    if let (Err(PgStartError::Stopped), Some(signal)) = (&migrated, stopped) {
        return Err(StoreError::Stopped(signal));
    }
    let run = migrated.map_err(|source| StoreError::Postgres { setting, source })?;
    tracing::info!(migrations = run.join(", "), "tables up to date");
    if let Some(signal) = stopped {
        return Err(StoreError::Stopped(signal));
    }
    let store = tokio::select! {
        connected = PgStore::connect(&config) => {
            connected.map_err(|source| StoreError::Postgres { setting: "DATABASE_URL", source })?
        }
        signal = stop => return Err(StoreError::Stopped(signal)),
    };
    tokio::spawn(warm(store.clone()));
    Ok(store)
}

/// Beside the first requests: nobody waits for it.
async fn warm(store: PgStore) {
    if let Err(error) = store.warm().await {
        tracing::warn!(causes = chain(&error), "not all connections could be opened ahead of need");
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
