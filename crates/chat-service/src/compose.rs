//! The parts, put together.

use std::sync::Arc;
use std::time::Duration;

use chat_domain::cache::Cache;
use chat_domain::clock::{Clock, IdSource};
use chat_domain::event::EventPublisher;
use chat_domain::health::Probe;
use chat_domain::idempotency::IdempotencyRepository;
use chat_domain::message::{MessageRepository, MessageService};
use chat_domain::session::SessionService;
use chat_http::{Api, Drain, Health};
use chat_infra::decorator::{
    CachedMessages, CachedMessagesConfig, GroupCommit, GroupCommitConfig, SharedRevs, SharedRevsConfig, TieredCache,
};
use chat_infra::in_process::{AlwaysUp, InProcessBus, InProcessBusConfig, InProcessCache, InProcessCacheConfig};
use chat_infra::redis::{InvalidRedisUrl, RedisCache, RedisConfig, RedisPool, RedisProbe};
use chat_infra::system::{SystemClock, SystemIds};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::settings::Settings;
use crate::store::Ports;

/// The whole service but for its sockets.
pub(crate) struct Service {
    /// What the routes stand on.
    pub(crate) api: Api,
    /// The writers, to be drained at the end.
    pub(crate) group_commit: Arc<GroupCommit>,
    /// The keys, to be swept now and then.
    pub(crate) idempotency: Arc<dyn IdempotencyRepository>,
    /// The machine's clock.
    pub(crate) clock: Arc<dyn Clock>,
}

/// Puts the service together, on the runtime in which this is called.
///
/// # Errors
/// A Redis URL that is none.
pub(crate) fn compose(
    settings: &Settings,
    store: Ports,
    metrics: PrometheusHandle,
) -> Result<Service, InvalidRedisUrl> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn IdSource> = Arc::new(SystemIds);
    let events: Arc<dyn EventPublisher> = Arc::new(InProcessBus::new(&InProcessBusConfig::default()));
    let (cache, cache_probe) = cache(settings)?;

    let group_commit = Arc::new(GroupCommit::spawn(store.messages, &group_commit(settings, store.writers)));
    let appended: Arc<dyn MessageRepository> = Arc::<GroupCommit>::clone(&group_commit);
    let revisions = Arc::new(SharedRevs::spawn(store.revisions, &shared_revs(settings)));
    let messages = Arc::new(CachedMessages::new(appended, revisions, cache, CachedMessagesConfig::default()));

    let session_service =
        SessionService::new(Arc::clone(&store.sessions), Arc::clone(&events), Arc::clone(&clock), Arc::clone(&ids));
    let message_service = MessageService::new(messages, store.sessions, events, Arc::clone(&clock), ids);
    let api = Api {
        sessions: Arc::new(session_service),
        messages: Arc::new(message_service),
        health: Arc::new(Health::new(store.probe, cache_probe, Arc::clone(&clock))),
        metrics,
        auth: settings.auth_mode,
        cors: settings.cors_origins.clone(),
        drain: Drain::default(),
    };
    Ok(Service { api, group_commit, idempotency: store.idempotency, clock })
}

type ProbedCache = (Arc<dyn Cache>, Arc<dyn Probe>);

/// The in-process cache alone, or in front of Redis.
fn cache(settings: &Settings) -> Result<ProbedCache, InvalidRedisUrl> {
    let config = InProcessCacheConfig { max_bytes: settings.cache_bytes, ttl: settings.cache_ttl };
    let near: Arc<dyn Cache> = Arc::new(InProcessCache::new(&config));
    let Some(url) = &settings.redis_url else { return Ok((near, Arc::new(AlwaysUp))) };
    let (url, prefix) = (url.clone(), settings.redis_prefix.clone());
    let config = RedisConfig { url, prefix, ttl: settings.cache_ttl, ..RedisConfig::new("") };
    let pool = RedisPool::new(&config)?;
    let far = Arc::new(RedisCache::new(pool.clone(), &config));
    Ok((Arc::new(TieredCache::new(near, far)), Arc::new(RedisProbe::new(pool))))
}

/// When a store is down, an append waits for its writer and then for the store; the sum stays below the 9 s within which
/// clients are promised an answer.
const LONGEST_APPEND: Duration = Duration::from_millis(8_500);

fn group_commit(settings: &Settings, writers: usize) -> GroupCommitConfig {
    let defaults = GroupCommitConfig::default();
    GroupCommitConfig {
        max_wait: defaults.max_wait.min(LONGEST_APPEND.saturating_sub(settings.store_deadline)),
        shards: writers,
        max_batch: settings.group_commit_max_batch,
        queue: settings.group_commit_queue,
    }
}

fn shared_revs(settings: &Settings) -> SharedRevsConfig {
    SharedRevsConfig { patience: settings.store_deadline, ..SharedRevsConfig::default() }
}
