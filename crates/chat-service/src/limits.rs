//! What holds callers and addresses back, as the settings want it.

use std::sync::Arc;

use chat_domain::limit::RateLimiter;
use chat_http::{ConnectionLimit, LimitSettings, Limiting};
use chat_infra::in_process::InProcessLimiter;
use chat_infra::redis::{InvalidRedisUrl, RedisConfig, RedisLimiter, RedisPool};

use crate::settings::{Auth, Settings};

/// The limiter goes to Redis with one call at a time; the other connection is for while one is opened anew.
const CONNECTIONS: usize = 2;

/// The limits of callers, on all nodes where there is a Redis, else on this one; none in the open mode, where all
/// callers are one.
///
/// # Errors
/// A Redis URL that is none.
pub(crate) fn limiting(settings: &Settings) -> Result<Option<Limiting>, InvalidRedisUrl> {
    if matches!(settings.auth, Auth::Open) {
        return Ok(None);
    }
    let limits = &settings.limits;
    let beside = LimitSettings {
        caller: limits.quotas.caller,
        requests_at_once: limits.requests_per_caller,
        unauthenticated: limits.unauthenticated,
    };
    Ok(Some(Limiting::new(limiter(settings)?, &beside)))
}

fn limiter(settings: &Settings) -> Result<Arc<dyn RateLimiter>, InvalidRedisUrl> {
    let quotas = settings.limits.quotas;
    let Some(url) = &settings.redis_url else { return Ok(Arc::new(InProcessLimiter::new(quotas))) };
    let (url, prefix) = (url.clone(), settings.redis_prefix.clone());
    let config = RedisConfig { url, prefix, pool_size: CONNECTIONS, ..RedisConfig::new("") };
    Ok(Arc::new(RedisLimiter::spawn(quotas, RedisPool::new(&config)?, &config)))
}

/// How many connections an address may hold; `None` for any number.
pub(crate) fn connections(settings: &Settings) -> Option<ConnectionLimit> {
    let most = settings.limits.connections_per_address?;
    Some(ConnectionLimit { most, exempt: settings.trusted_proxies.clone(), exempt_loopback: true })
}
