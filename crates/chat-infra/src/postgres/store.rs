//! The store as the rest of the service sees it: the ports, over one pool.

use std::sync::Arc;

use chat_domain::attachment::AttachmentRepository;
use chat_domain::audit::AuditRepository;
use chat_domain::error::RepositoryError;
use chat_domain::extension::ExtensionRepository;
use chat_domain::idempotency::IdempotencyRepository;
use chat_domain::message::{MessagePages, MessageRepository};
use chat_domain::participant::{ParticipantRepository, UnreadCounts};
use chat_domain::session::{RevisionSource, SessionRepository};

use super::attachment::PgAttachments;
use super::audit::PgAudit;
use super::config::{InvalidUrl, PgConfig};
use super::connect::Connector;
use super::extension::PgExtensions;
use super::idempotency::PgIdempotency;
use super::message::PgMessages;
use super::migrate::{answered, missing};
use super::participant::PgParticipants;
use super::pool::PgPool;
use super::probe::PgProbe;
use super::revision::PgRevisions;
use super::session::PgSessions;
use super::tls::TlsError;
use super::unread::PgUnread;
use super::warm::warm;
use crate::operation::{Observed, System};

/// Why the store cannot be started. No variant ever shows the password.
#[derive(Debug, thiserror::Error)]
pub enum PgStartError {
    /// The URL cannot be used.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// TLS was asked for and cannot be set up.
    #[error("tls to the database cannot be set up")]
    Tls(#[from] TlsError),
    /// The server cannot be reached or does not let us in.
    #[error("the database cannot be reached")]
    Unreachable(#[source] RepositoryError),
    /// A migration failed, or the state of the tables could not be read.
    #[error("the tables could not be brought up to date")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The role that migrates lacks rights.
    #[error(
        "{} may not make or alter the tables ({said}): it must own those that are there and have CREATE on their schema; \
         or let another role migrate", role.as_ref().map_or_else(|| "the role".to_owned(), |role| format!("the role {role}"))
    )]
    Forbidden {
        /// The role, where the URL names it.
        role: Option<String>,
        /// What the server says.
        said: String,
    },
    /// The working role lacks rights which the role that migrates cannot give.
    #[error("the role of the service lacks rights that the role which migrates may not give: {}", .0.join("; "))]
    Ungranted(Vec<String>),
    /// Whoever had the migrations run did not want to wait for their end.
    #[error("stopped before the tables were up to date")]
    Stopped,
    /// The tables are older than this build.
    #[error("the tables lack migrations: {}", .0.join(", "))]
    Outdated(Vec<String>),
}

impl PgStartError {
    pub(super) fn migration(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Migration(Box::new(error))
    }
}

/// One node's way to the database. A clone is a handle on the same connections.
#[derive(Clone)]
pub struct PgStore {
    pool: Observed<PgPool>,
    probe: PgProbe,
    /// The same pool, to look at.
    seen: PgPool,
}

impl PgStore {
    /// Connects once, to see that the server is there and that its tables are as this build needs them. To be called on
    /// the runtime that lives as long as the service: the connections run there, whoever uses them.
    ///
    /// # Errors
    /// A URL that cannot be used, a server that cannot be reached or does not answer in time, tables that lack a migration.
    pub async fn connect(config: &PgConfig) -> Result<Self, PgStartError> {
        let connector = Connector::new(config)?;
        let connection = connector.connect().await;
        let mut connection =
            connection.map_err(|error| PgStartError::Unreachable(RepositoryError::unavailable(error)))?;
        let missing = answered(config, missing(&mut connection)).await?;
        if !missing.is_empty() {
            return Err(PgStartError::Outdated(missing));
        }
        let seen = PgPool::new(config, connector.clone())?;
        let pool = Observed::new(System::Postgres, seen.clone());
        Ok(Self { pool, probe: PgProbe::new(connector, config.deadline, connection), seen })
    }

    /// Opens half of the connections and has them prepare what nearly all requests need, so that the first requests do not
    /// wait for it, nor those that come as the server slows down.
    ///
    /// # Errors
    /// Those of the server. Nothing depends on it: what is not there is opened when it is needed.
    pub async fn warm(&self) -> Result<(), RepositoryError> {
        warm(&self.seen, self.seen.max_connections().div_ceil(2)).await
    }

    /// Sets the gauges of the pool to how it is at the moment.
    pub fn look(&self) {
        self.seen.look();
    }

    /// The sessions.
    #[must_use]
    pub fn sessions(&self) -> Arc<dyn SessionRepository> {
        self.sessions_counted_by(self.unread())
    }

    /// The sessions; what is unread of those on a list is asked of these counts.
    #[must_use]
    pub fn sessions_counted_by(&self, counts: Arc<dyn UnreadCounts>) -> Arc<dyn SessionRepository> {
        Arc::new(PgSessions { pool: self.pool.clone(), counts })
    }

    /// The messages.
    #[must_use]
    pub fn messages(&self) -> Arc<dyn MessageRepository> {
        Arc::new(PgMessages(self.pool.clone()))
    }

    /// The messages, page by page.
    #[must_use]
    pub fn pages(&self) -> Arc<dyn MessagePages> {
        Arc::new(PgMessages(self.pool.clone()))
    }

    /// The extensions.
    #[must_use]
    pub fn extensions(&self) -> Arc<dyn ExtensionRepository> {
        Arc::new(PgExtensions(self.pool.clone()))
    }

    /// The keys of everything but messages.
    #[must_use]
    pub fn idempotency(&self) -> Arc<dyn IdempotencyRepository> {
        Arc::new(PgIdempotency(self.pool.clone()))
    }

    /// What is known of attachments.
    #[must_use]
    pub fn attachments(&self) -> Arc<dyn AttachmentRepository> {
        Arc::new(PgAttachments(self.pool.clone()))
    }

    /// The audit.
    #[must_use]
    pub fn audit(&self) -> Arc<dyn AuditRepository> {
        Arc::new(PgAudit(self.pool.clone()))
    }

    /// Who has read how much.
    #[must_use]
    pub fn participants(&self) -> Arc<dyn ParticipantRepository> {
        Arc::new(PgParticipants(self.pool.clone()))
    }

    /// What is unread.
    #[must_use]
    pub fn unread(&self) -> Arc<dyn UnreadCounts> {
        Arc::new(PgUnread(self.pool.clone()))
    }

    /// How far the sessions have come, as the primary knows it.
    #[must_use]
    pub fn revisions(&self) -> Arc<dyn RevisionSource> {
        Arc::new(PgRevisions(self.pool.clone()))
    }

    /// Whether the server is there and takes writes, asked beside the pool.
    #[must_use]
    pub fn probe(&self) -> PgProbe {
        self.probe.clone()
    }
}
