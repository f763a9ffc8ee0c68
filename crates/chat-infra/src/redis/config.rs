//! How Redis is reached, and how much patience it gets.

use std::time::Duration;

use secrecy::SecretString;

/// How Redis is reached. Its `Debug` hides the URL, which may hold a password.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://[[user]:password@]host[:port][/database]`, or `rediss://…` for TLS under the system's certificates.
    pub url: SecretString,
    /// What the names of all keys begin with, so that a Redis can be shared; `chorus-chat`. Deployments with different
    /// databases must not share one.
    pub prefix: String,
    /// How long a value is kept after it was put; 1 hour. So long also lies there, where nobody looks any more, what a
    /// message said that was deleted since.
    pub ttl: Duration,
    /// How long a call may take, a connection from the pool included; 50 ms.
    pub timeout: Duration,
    /// How long a new connection may take; 1 s. No call waits that long: the connection serves a later one.
    pub connect_timeout: Duration,
    /// The most connections; 16.
    pub pool_size: usize,
    /// When to stop asking.
    pub breaker: BreakerConfig,
}

impl RedisConfig {
    /// The defaults, with this URL.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: SecretString::from(url.into()),
            prefix: "chorus-chat".to_owned(),
            ttl: Duration::from_hours(1),
            timeout: Duration::from_millis(50),
            connect_timeout: Duration::from_secs(1),
            pool_size: 16,
            breaker: BreakerConfig::default(),
        }
    }
}

/// When a cache stops to ask a Redis that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerConfig {
    /// After so many failures in a row; 5.
    pub failures: u32,
    /// For so long, until one call tries again; 1 s.
    pub pause: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(1) }
    }
}

/// The URL is not one of a Redis. Says nothing of what the URL holds, which may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a redis url: expected redis://[[user]:password@]host[:port][/database], or rediss:// for tls")]
pub struct InvalidRedisUrl;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_the_configuration_does_not_show_the_password() {
        let config = RedisConfig::new("redis://ann:s3cret@127.0.0.1/0");
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
