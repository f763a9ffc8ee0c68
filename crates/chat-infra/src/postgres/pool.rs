//! The pool: a bounded number of connections, and for each operation one of them with a deadline.

use std::sync::Arc;
use std::time::Duration;

use chat_domain::deadline;
use chat_domain::error::RepositoryError;
use deadpool::managed::QueueMode;
use diesel_async::AsyncPgConnection;
use diesel_async::methods::LoadQuery;
use diesel_async::pooled_connection::deadpool::{Pool, PoolError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use super::PgStartError;
use super::config::PgConfig;
use super::connect::Connector;
use super::error::{Failure, Loss};
use super::figures::Figures;
use super::lease::Lease;
use crate::deadline::within;
use crate::operation::part;

/// How often an operation is tried that fails for reasons which another attempt may not meet.
const ATTEMPTS: usize = 8;

/// Connections for all repositories of one store. A clone is a handle on the same pool.
#[derive(Clone)]
pub(super) struct PgPool {
    pool: Pool<AsyncPgConnection>,
    /// A permit for each connection that writers may hold at once: three of four. They wait for locks and for the disk,
    /// and what only reads must not wait for them.
    writers: Arc<Semaphore>,
    /// A permit for each connection that transactions may hold at once: half of all. They hold locks while they wait for
    /// others, and appends must not wait for them.
    transactions: Arc<Semaphore>,
    deadline: Duration,
    connect_timeout: Duration,
    /// The longest wait for a connection that may have to be opened, with every host in its turn.
    opening: Duration,
    figures: Figures,
}

/// All connections were taken for too long, or a new one could not be opened in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within the time for it")]
struct NoConnection;

impl PgPool {
    /// Opens nothing yet.
    pub(super) fn new(config: &PgConfig, connector: Connector) -> Result<Self, PgStartError> {
        let opening = connector.patience();
        let mut manager = ManagerConfig::default();
        // Costs no round trip, and still does not hand out a connection that is known to be closed or in a transaction.
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| {
            let connector = connector.clone();
            async move { connector.connect().await }.boxed()
        });
        // The address is the connector's: this one is never read.
        let manager = AsyncDieselConnectionManager::new_with_config("", manager);
        // The one that was used last: what its server process needs still lies in the caches of a processor.
        let pool = Pool::builder(manager).max_size(config.max_connections.max(1)).queue_mode(QueueMode::Lifo).build();
        let pool = pool.map_err(|error| PgStartError::Unreachable(RepositoryError::internal(error)))?;
        let (writers, transactions) = shares(config.max_connections);
        let (writers, transactions) = (Arc::new(Semaphore::new(writers)), Arc::new(Semaphore::new(transactions)));
        let (deadline, connect_timeout) = (config.deadline, config.connect_timeout);
        Ok(Self { pool, writers, transactions, deadline, connect_timeout, opening, figures: Figures::new() })
    }

    /// As many connections at once, if so many can be had; what is asked on them has this long. No request is behind that.
    pub(super) async fn lease_many(&self, connections: usize, time: Duration) -> Result<Vec<Lease>, RepositoryError> {
        let deadline = Instant::now() + time;
        try_join_all((0..connections).map(|_| self.lease_until(deadline))).await
    }

    async fn lease_until(&self, deadline: Instant) -> Result<Lease, RepositoryError> {
        let patience = deadline.min(Instant::now() + self.opening);
        let wait = self.figures.wait_for_connection();
        let connection = timeout_at(patience, self.pool.get()).instrument(part("pool.wait", None)).await;
        drop(wait);
        match connection {
            Ok(Ok(connection)) => Ok(Lease::new(connection, deadline)),
            Ok(Err(PoolError::Backend(error))) => Err(RepositoryError::unavailable(error)),
            Ok(Err(_)) | Err(_) => Err(RepositoryError::unavailable(NoConnection)),
        }
    }

    pub(super) fn max_connections(&self) -> usize {
        self.pool.status().max_size
    }

    /// Sets the gauges of the pool to how it is at the moment.
    pub(super) fn look(&self) {
        let pool = self.pool.status();
        self.figures.seen(pool.max_size, pool.size, pool.size.saturating_sub(pool.available));
    }

    fn patience(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.connect_timeout)
    }

    /// Runs a statement that only reads, under a name for traces. A connection that turns out to be lost is replaced by
    /// another.
    pub(super) async fn read<'q, U, Q>(
        &self,
        name: &'static str,
        query: impl Fn() -> Q + Send + Sync,
    ) -> Result<Vec<U>, RepositoryError>
    where
        U: Send,
        Q: LoadQuery<'q, AsyncPgConnection, U> + Send + 'q,
    {
        let lost = |failure: &Failure| matches!(failure, Failure::Lost(_));
        let read = |mut lease: Lease| {
            let query = query();
            async move { lease.load(name, query, Loss::Nothing).await }
        };
        self.attempt_until(within(self.deadline)?, lost, read).await
    }

    /// Does work of several statements, which end together within one deadline.
    pub(super) async fn together<T>(
        &self,
        work: impl Future<Output = Result<T, RepositoryError>>,
    ) -> Result<T, RepositoryError> {
        deadline::until(within(self.deadline)?.into_std(), work).await
    }

    /// Runs a transaction as [`attempt`](Self::attempt) runs a write, once few enough others are at it.
    pub(super) async fn transact<T, F>(
        &self,
        again: impl Fn(&Failure) -> bool + Send,
        work: impl Fn(Lease) -> F + Send,
    ) -> Result<T, RepositoryError>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let deadline = within(self.deadline)?;
        let _transaction = self.permit(&self.transactions, deadline).await?;
        let _writer = self.permit(&self.writers, deadline).await?;
        self.attempt_until(deadline, again, work).await
    }

    /// Runs some work that writes on one connection, and again on another while it fails in a way that another attempt
    /// may not meet, all within one deadline.
    pub(super) async fn attempt<T, F>(
        &self,
        again: impl Fn(&Failure) -> bool + Send,
        work: impl Fn(Lease) -> F + Send,
    ) -> Result<T, RepositoryError>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let deadline = within(self.deadline)?;
        let _writer = self.permit(&self.writers, deadline).await?;
        self.attempt_until(deadline, again, work).await
    }

    async fn permit<'s>(
        &self,
        semaphore: &'s Semaphore,
        deadline: Instant,
    ) -> Result<SemaphorePermit<'s>, RepositoryError> {
        let _wait = self.figures.wait_for_turn();
        match timeout_at(self.patience(deadline), semaphore.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(RepositoryError::unavailable(NoConnection)),
        }
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

/// How many of so many connections writers may hold, and how many of those transactions: of two and more, at least one is
/// left to whoever reads, and of three and more one to appends.
fn shares(connections: usize) -> (usize, usize) {
    let readers = (connections / 4).max(1);
    let writers = connections.saturating_sub(readers).max(1);
    (writers, (connections / 2).clamp(1, writers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_leave_connections_to_readers_and_transactions_to_appends() {
        assert_eq!(shares(16), (12, 8));
        for connections in 2..1_000 {
            let (writers, transactions) = shares(connections);
            assert!(writers < connections, "{connections}");
            assert!(transactions < writers || connections == 2, "{connections}");
        }
        assert_eq!(shares(1), (1, 1));
    }
}
