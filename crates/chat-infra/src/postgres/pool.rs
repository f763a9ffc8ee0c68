//! The pool: a bounded number of connections, and for each operation one of them with a deadline.

use std::sync::Arc;
use std::time::Duration;

use chat_domain::error::RepositoryError;
use diesel_async::AsyncPgConnection;
use diesel_async::methods::LoadQuery;
use diesel_async::pooled_connection::deadpool::{Pool, PoolError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use futures_util::FutureExt as _;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::PgStartError;
use super::config::PgConfig;
use super::connect::Connector;
use super::error::{Failure, Loss};
use super::lease::Lease;

/// How often an operation is tried that fails for reasons which another attempt may not meet.
const ATTEMPTS: usize = 8;

/// Connections for all repositories of one store. A clone is a handle on the same pool.
#[derive(Clone)]
pub(super) struct PgPool {
    pool: Pool<AsyncPgConnection>,
    /// A permit for each connection that transactions may hold at once: half of all. They wait for locks, and what only
    /// reads must not wait for them.
    transactions: Arc<Semaphore>,
    deadline: Duration,
    connect_timeout: Duration,
}

/// All connections were taken for too long, or a new one could not be opened in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within the time for it")]
struct NoConnection;

impl PgPool {
    /// Opens nothing yet.
    pub(super) fn new(config: &PgConfig, connector: Connector) -> Result<Self, PgStartError> {
        let mut manager = ManagerConfig::default();
        // Costs no round trip, and still does not hand out a connection that is known to be closed or in a transaction.
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| {
            let connector = connector.clone();
            async move { connector.connect().await }.boxed()
        });
        // The address is the connector's: this one is never read.
        let manager = AsyncDieselConnectionManager::new_with_config("", manager);
        let pool = Pool::builder(manager).max_size(config.max_connections.max(1)).build();
        let pool = pool.map_err(|error| PgStartError::Unreachable(RepositoryError::internal(error)))?;
        let transactions = Arc::new(Semaphore::new((config.max_connections / 2).max(1)));
        Ok(Self { pool, transactions, deadline: config.deadline, connect_timeout: config.connect_timeout })
    }

    async fn lease_until(&self, deadline: Instant) -> Result<Lease, RepositoryError> {
        let patience = self.patience(deadline);
        match timeout_at(patience, self.pool.get()).await {
            Ok(Ok(connection)) => Ok(Lease::new(connection, deadline)),
            Ok(Err(PoolError::Backend(error))) => Err(RepositoryError::unavailable(error)),
            Ok(Err(_)) | Err(_) => Err(RepositoryError::unavailable(NoConnection)),
        }
    }

    fn patience(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.connect_timeout)
    }

    /// Runs a statement that only reads. A connection that turns out to be lost is replaced by another.
    pub(super) async fn read<'q, U, Q>(&self, query: impl Fn() -> Q + Send + Sync) -> Result<Vec<U>, RepositoryError>
    where
        U: Send,
        Q: LoadQuery<'q, AsyncPgConnection, U> + Send + 'q,
    {
        let lost = |failure: &Failure| matches!(failure, Failure::Lost(_));
        let read = |mut lease: Lease| {
            let query = query();
            async move { lease.load(query, Loss::Nothing).await }
        };
        self.attempt(lost, read).await
    }

    /// Runs a transaction as [`attempt`](Self::attempt) does, once few enough others are at it.
    pub(super) async fn transact<T, F>(
        &self,
        again: impl Fn(&Failure) -> bool + Send,
        work: impl Fn(Lease) -> F + Send,
    ) -> Result<T, RepositoryError>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let deadline = Instant::now() + self.deadline;
        let permit = timeout_at(self.patience(deadline), self.transactions.acquire()).await;
        let Ok(Ok(_permit)) = permit else { return Err(RepositoryError::unavailable(NoConnection)) };
        self.attempt_until(deadline, again, work).await
    }

    /// Runs some work on one connection, and again on another while it fails in a way that another attempt may not
    /// meet, all within one deadline.
    pub(super) async fn attempt<T, F>(
        &self,
        again: impl Fn(&Failure) -> bool + Send,
        work: impl Fn(Lease) -> F + Send,
    ) -> Result<T, RepositoryError>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        self.attempt_until(Instant::now() + self.deadline, again, work).await
    }

    async fn attempt_until<T, F>(
        &self,
        deadline: Instant,
        again: impl Fn(&Failure) -> bool + Send,
        work: impl Fn(Lease) -> F + Send,
    ) -> Result<T, RepositoryError>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let mut left = ATTEMPTS;
        loop {
            let lease = self.lease_until(deadline).await?;
            left -= 1;
            match work(lease).await {
                Ok(done) => return Ok(done),
                Err(failure) if !again(&failure) => return Err(failure.into()),
                Err(failure) if left == 0 => return Err(failure.given_up()),
                Err(_) => {}
            }
        }
    }
}
