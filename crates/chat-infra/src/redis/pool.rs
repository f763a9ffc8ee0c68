//! The connections to Redis.

use std::time::Duration;

use chat_domain::error::chain;
use deadpool_redis::redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisError};
use deadpool_redis::{Manager, Pool, PoolError, Runtime};
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;
use tokio::task::JoinError;

use super::config::{InvalidRedisUrl, RedisConfig};
use crate::operation::{Classify, Fault};

/// So often a call that is only made to find out may be late.
const TRIES: usize = 3;

/// A few connections to one Redis, opened when they are first wanted; clones share them.
///
/// All calls run on the runtime in which the pool was made, because a connection lives on the runtime that opened it.
#[derive(Clone)]
pub struct RedisPool {
    pool: Pool,
    runtime: Handle,
    connect_timeout: Duration,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    #[error("no connection in time")]
    NoConnection,
    #[error("cannot connect")]
    Connect(#[source] RedisError),
    #[error("the command failed")]
    Command(#[from] RedisError),
    #[error("the call was abandoned")]
    Abandoned(#[from] JoinError),
}

impl From<PoolError> for CallError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Connect(error),
            // The pool is never closed and has a runtime and no hooks: what is left is a wait that was too long.
            _ => Self::NoConnection,
        }
    }
}

impl Classify for CallError {
    /// Redis that refuses a command as such met a fault of ours; all else is Redis not being there in time.
    fn fault(&self) -> Fault {
        match self {
            _ if self.is_refusal() => Fault::Internal,
            Self::Late(_) | Self::NoConnection | Self::Connect(_) | Self::Command(_) | Self::Abandoned(_) => {
                Fault::Unavailable
            }
        }
    }
}

impl CallError {
    /// Whether Redis was there and said no.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Command(error) if !error.is_io_error() && !error.is_timeout())
    }

    /// The error and what lies behind it, on one line.
    pub(super) fn chain(&self) -> String {
        chain(self)
    }
}

impl RedisPool {
    /// Prepares connections, without opening any: Redis may be down. Must be called within a tokio runtime, which will
    /// run all calls.
    ///
    /// # Errors
    /// Where the URL is not one of a Redis.
    pub fn new(config: &RedisConfig) -> Result<Self, InvalidRedisUrl> {
        let connections = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(config.connect_timeout))
            .set_response_timeout(Some(config.connect_timeout));
        let manager = Manager::new_with_config(config.url.expose_secret(), connections).map_err(|_| InvalidRedisUrl)?;
        let pool = Pool::builder(manager)
            .max_size(config.pool_size.max(1))
            .wait_timeout(Some(config.timeout))
            .create_timeout(Some(config.connect_timeout))
            .recycle_timeout(Some(config.timeout))
            .runtime(Runtime::Tokio1)
            .build()
            // Only a missing runtime makes it fail, and there is one.
            .map_err(|_| InvalidRedisUrl)?;
        Ok(Self { pool, runtime: Handle::current(), connect_timeout: config.connect_timeout })
    }

    /// The runtime of all calls.
    pub(super) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// How long a new connection may take.
    pub(super) const fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// Opens a connection, where that is possible, for whoever calls first.
    pub(super) async fn warm_up(self) {
        _ = self.pool.get().await;
    }

    /// Finds out whether a command is answered within `limit`. The connection may take longer to open, and an answer or two
    /// may be late; one that never comes in time is of no use to those who wait no longer.
    pub(super) async fn answers<T>(&self, command: impl Fn() -> Cmd, limit: Duration) -> Result<T, CallError>
    where
        T: FromRedisValue + Send + 'static,
    {
        self.call::<T>(command(), self.connect_timeout).await?;
        for _ in 1..TRIES {
            match self.call(command(), limit).await {
                Err(CallError::Late(_)) => {}
                answered => return answered,
            }
        }
        self.call(command(), limit).await
    }

    /// Sends a command, and waits for its answer no longer than `limit`.
    ///
    /// What is not done by then goes on without the caller, within the pool's own limits: a connection that took longer
    /// to open is there for the next call, and one that is in the middle of an answer is not lost.
    pub(super) async fn call<T>(&self, command: Cmd, limit: Duration) -> Result<T, CallError>
    where
        T: FromRedisValue + Send + 'static,
    {
        let pool = self.pool.clone();
        let call = self.runtime.spawn(async move {
            let mut connection = pool.get().await?;
            Ok(command.query_async(&mut connection).await?)
        });
        tokio::time::timeout(limit, call).await.map_err(|_| CallError::Late(limit))??
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_that_is_none_is_refused_without_showing_it() {
        for url in ["", "127.0.0.1", "http://ann:s3cret@h", "redis://ann:s3cret@h:port", "redis://:s3cret@h/x"] {
            let refused = RedisPool::new(&RedisConfig::new(url)).err().unwrap();
            assert!(!format!("{refused} {refused:?}").contains("s3cret"), "{url}");
        }
        for url in ["redis://127.0.0.1", "redis://:p@h:1/2", "rediss://ann:p@redis.example:6380/0"] {
            assert!(RedisPool::new(&RedisConfig::new(url)).is_ok(), "{url}");
        }
    }
}
