//! The parts, put together.

use std::sync::Arc;

use chat_domain::access::Guard;
use chat_domain::audit::AuditService;
use chat_domain::cache::Cache;
use chat_domain::clock::{Clock, IdSource};
use chat_domain::event::EventPublisher;
use chat_domain::figures::FiguresService;
use chat_domain::health::Probe;
use chat_domain::message::MessageService;
use chat_domain::session::SessionService;
use chat_http::{Api, Drain, Health, Scrape};
use chat_infra::decorator::{CachedMessages, CachedMessagesConfig, GroupCommit, GroupCommitConfig, SharedProbe};
use chat_infra::in_process::{AlwaysUp, InProcessBus, InProcessBusConfig};
use chat_infra::redis::{InvalidRedisUrl, RedisCache, RedisConfig, RedisPool, RedisProbe};
use chat_infra::system::{SystemClock, SystemIds, TracedAudit};

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
/// A Redis URL that is none, and keys of tokens that are not there.
pub(crate) fn compose(settings: &Settings, store: Ports, figures: Figures) -> Result<Service, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn IdSource> = Arc::new(SystemIds);
    let events: Arc<dyn EventPublisher> = Arc::new(InProcessBus::new(&InProcessBusConfig::default()));
    let (far_cache, cache_probe) = far_cache(settings)?;

    let group_commit = Arc::new(GroupCommit::spawn(store.messages, &group_commit(settings, store.writers)));
    let messages = Arc::<GroupCommit>::clone(&group_commit);
    let pages = Arc::new(CachedMessages::new(store.pages, store.revisions, far_cache, &cached_messages(settings)));

    let guard = Guard::new(Arc::new(TracedAudit));
    let session_service = SessionService::new(
        Arc::clone(&store.sessions),
        Arc::clone(&events),
        guard.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
    );
    let message_service =
        MessageService::new(messages, pages, store.sessions, events, guard.clone(), Arc::clone(&clock), ids);
    let audit_service = AuditService::new(Arc::clone(&store.audit), guard.clone());
    let writers = Arc::clone(&group_commit);
    let (auth, token_keys) = auth_mode(settings, &clock)?;
    let health = Health::new(shared(store.probe), shared(cache_probe), Arc::clone(&clock));
    let health = Arc::new(token_keys.into_iter().fold(health, Health::with_token_keys));
    let drain = Drain::default();
    let scrape = figures.scrape(vec![store.look, Box::new(move || writers.look()), readiness(&health, &drain)]);
    let api = Api {
        sessions: Arc::new(session_service),
        messages: Arc::new(message_service),
        audit: Arc::new(audit_service),
        figures: Arc::new(FiguresService::new(guard)),
        health,
        metrics: settings.metrics_port.is_none().then(|| scrape.clone()),
        auth,
        proxies: settings.trusted_proxies.clone(),
        limits: limiting(settings)?,
        cors: settings.cors_origins.clone(),
        drain,
    };
    let sweep = Sweep { keys: store.idempotency, audit: store.audit, keep_audit: settings.audit_retention, clock };
    Ok(Service { api, scrape, group_commit, sweep })
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
