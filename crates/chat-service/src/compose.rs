//! The parts, put together.

use std::sync::Arc;

use chat_domain::access::Guard;
use chat_domain::audit::AuditService;
use chat_domain::cache::Cache;
use chat_domain::clock::{Clock, IdSource};
use chat_domain::event::EventPublisher;
use chat_domain::extension::ExtensionService;
use chat_domain::figures::FiguresService;
use chat_domain::health::Probe;
use chat_domain::message::MessageService;
use chat_domain::participant::ParticipantService;
use chat_domain::session::SessionService;
use chat_http::{Api, Drain, Health, Scrape};
use chat_infra::decorator::{CachedMessages, CachedMessagesConfig, GroupCommit, GroupCommitConfig, SharedProbe};
use chat_infra::in_process::{AlwaysUp, InProcessBus, InProcessBusConfig};
use chat_infra::redis::{InvalidRedisUrl, RedisCache, RedisConfig, RedisPool, RedisProbe};
use chat_infra::system::{SystemClock, SystemIds, TracedAudit};

use crate::attachments::{Beside, attachments};
use crate::callers::auth_mode;
use crate::failure::Failure;
use crate::figures::{Figures, Look};
use crate::limits::limiting;
use crate::settings::Settings;
use crate::store::Ports;
use crate::sweep::Sweep;

/// The whole service but for its sockets.
pub(crate) struct Service {
    /// What the routes stand on.
    pub(crate) api: Api,
    /// The figures, for those who collect them.
    pub(crate) scrape: Scrape,
    /// The writers, to be drained at the end.
    pub(crate) group_commit: Arc<GroupCommit>,
    /// What is forgotten now and then.
    pub(crate) sweep: Sweep,
}

/// Puts the service together, on the runtime in which this is called.
///
/// # Errors
/// A Redis URL that is none, a bucket of files that cannot be used, and keys of tokens that are not there.
pub(crate) fn compose(settings: &Settings, store: Ports, figures: Figures) -> Result<Service, Failure> {
    let around = Around::new();
    let (far_cache, cache_probe) = far_cache(settings)?;

    let group_commit =
        Arc::new(GroupCommit::spawn(Arc::clone(&store.messages), &group_commit(settings, store.writers)));
    let messages = Arc::<GroupCommit>::clone(&group_commit);
    let pages = Arc::new(CachedMessages::new(
        Arc::clone(&store.pages),
        Arc::clone(&store.revisions),
        far_cache,
        &cached_messages(settings),
    ));

    let attachments = attachments(
        &settings.attachments,
        Arc::clone(&store.attachments),
        Beside { sessions: Arc::clone(&store.sessions), messages: Arc::<GroupCommit>::clone(&group_commit) },
        around.guard.clone(),
        Arc::clone(&around.clock),
        Arc::clone(&around.ids),
    )?;
    let sessions = around.sessions(&store, Arc::<CachedMessages>::clone(&pages));
    let participants = around.participants(&store);
    let messages = Arc::new(around.messages(&store, messages, pages));
    let extensions = around.extensions(&store, Arc::clone(&messages));
    let audit_service = AuditService::new(Arc::clone(&store.audit), around.guard.clone());
    let writers = Arc::clone(&group_commit);
    let (auth, token_keys) = auth_mode(settings, &around.clock)?;
    let health = Health::new(shared(store.probe), shared(cache_probe), Arc::clone(&around.clock));
    let health = Arc::new(token_keys.into_iter().fold(health, Health::with_token_keys));
    let drain = Drain::default();
    let scrape = figures.scrape(vec![store.look, Box::new(move || writers.look()), readiness(&health, &drain)]);
    let api = Api {
        sessions: Arc::new(sessions),
        participants: Arc::new(participants),
        messages,
        extensions: Arc::new(extensions),
        attachments: attachments.service,
        audit: Arc::new(audit_service),
        figures: Arc::new(FiguresService::new(around.guard)),
        health,
        metrics: settings.metrics_port.is_none().then(|| scrape.clone()),
        auth,
        proxies: settings.trusted_proxies.clone(),
        limits: limiting(settings)?,
        cors: settings.cors_origins.clone(),
        drain,
    };
    let sweep = Sweep {
        keys: store.idempotency,
        attachments: attachments.sweep,
        audit: store.audit,
        keep_audit: settings.audit_retention,
        clock: around.clock,
    };
    Ok(Service { api, scrape, group_commit, sweep })
}

/// What all use cases stand on beside the store.
struct Around {
    guard: Guard,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    events: Arc<dyn EventPublisher>,
}

impl Around {
    fn new() -> Self {
        Self {
            guard: Guard::new(Arc::new(TracedAudit)),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            events: Arc::new(InProcessBus::new(&InProcessBusConfig::default())),
        }
    }

    fn sessions(&self, store: &Ports, pages: Arc<CachedMessages>) -> SessionService {
        SessionService::new(
            Arc::clone(&store.sessions),
            pages,
            Arc::clone(&store.unread),
            Arc::clone(&self.events),
            self.guard.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.ids),
        )
    }

    fn participants(&self, store: &Ports) -> ParticipantService {
        ParticipantService::new(
            Arc::clone(&store.participants),
            Arc::clone(&store.sessions),
            Arc::clone(&self.events),
            self.guard.clone(),
            Arc::clone(&self.clock),
        )
    }

    fn messages(&self, store: &Ports, messages: Arc<GroupCommit>, pages: Arc<CachedMessages>) -> MessageService {
        let service = MessageService::new(
            messages,
            pages,
            Arc::clone(&store.sessions),
            Arc::clone(&self.events),
            self.guard.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.ids),
        );
        service.with_attachments(Arc::clone(&store.attachments))
    }

    fn extensions(&self, store: &Ports, messages: Arc<MessageService>) -> ExtensionService {
        ExtensionService::new(
            messages,
            Arc::clone(&store.extensions),
            Arc::clone(&self.events),
            self.guard.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.ids),
        )
    }
}

/// Shows whether the node is ready.
fn readiness(health: &Arc<Health>, drain: &Drain) -> Look {
    let (health, drain) = (Arc::clone(health), drain.clone());
    Box::new(move || health.show_readiness(&drain))
}

/// However many ask for the health, each part is asked once at a time.
fn shared(probe: Arc<dyn Probe>) -> Arc<dyn Probe> {
    Arc::new(SharedProbe::new(probe, Health::PATIENCE))
}

type ProbedCache = (Option<Arc<dyn Cache>>, Arc<dyn Probe>);

/// The cache that nodes share, where there is one.
fn far_cache(settings: &Settings) -> Result<ProbedCache, InvalidRedisUrl> {
    let Some(url) = &settings.redis_url else { return Ok((None, Arc::new(AlwaysUp))) };
    let (url, prefix) = (url.clone(), settings.redis_prefix.clone());
    let config = RedisConfig { url, prefix, ttl: settings.cache_ttl, ..RedisConfig::new("") };
    let pool = RedisPool::new(&config)?;
    let far = Arc::new(RedisCache::new(pool.clone(), &config));
    Ok((Some(far), Arc::new(RedisProbe::new(pool, &config))))
}

fn group_commit(settings: &Settings, writers: usize) -> GroupCommitConfig {
    GroupCommitConfig {
        deadline: settings.store_deadline,
        shards: writers,
        max_batch: settings.group_commit_max_batch,
        queue: settings.group_commit_queue,
    }
}

fn cached_messages(settings: &Settings) -> CachedMessagesConfig {
    CachedMessagesConfig {
        near_bytes: settings.caches().pages,
        near_ttl: settings.cache_ttl,
        ..CachedMessagesConfig::default()
    }
}
