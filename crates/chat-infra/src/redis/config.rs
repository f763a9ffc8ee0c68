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
    /// How long a call may take, a connection from the pool included; 40 ms. One request waits for Redis twice at the
    /// most, once for its limits and once for its page, so this is under half of what Redis may add to it.
    pub timeout: Duration,
    /// How long a new connection may take; 1 s. No call waits that long: the connection serves a later one.
    pub connect_timeout: Duration,
    /// The most connections; 16.
    pub pool_size: usize,
    /// How long a Redis that fails is left alone between two looks at it; 1 s.
    pub pause: Duration,
    /// How long one that serves is, where no call fails; 5 s.
    pub watch: Duration,
}

impl RedisConfig {
    /// The defaults, with this URL.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: SecretString::from(url.into()),
            prefix: "chorus-chat".to_owned(),
            ttl: Duration::from_hours(1),
            timeout: Duration::from_millis(40),
            connect_timeout: Duration::from_secs(1),
            pool_size: 16,
            pause: Duration::from_secs(1),
            watch: Duration::from_secs(5),
        }
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
