//! Whether the server is there and takes writes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::health::Probe;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::connect::Connector;
use super::error::DeadlinePassed;
use super::statement::Statement;

/// Asks the server whether it is a primary, on a connection of its own: that the pool is busy, for instance with
/// writers that wait for each other, does not make the server any less there. A clone has the same connection.
#[derive(Clone)]
pub struct PgProbe {
    connector: Connector,
    deadline: Duration,
    /// Nothing until it is needed, and after it broke. Whoever asks takes it out, so that nobody meets one on which an
    /// answer is still on its way.
    connection: Arc<Mutex<Option<AsyncPgConnection>>>,
}

/// The server only reads.
#[derive(Debug, thiserror::Error)]
#[error("the server is in recovery and takes no writes")]
struct Standby;

impl PgProbe {
    pub(super) fn new(connector: Connector, deadline: Duration, connection: AsyncPgConnection) -> Self {
        Self { connector, deadline, connection: Arc::new(Mutex::new(Some(connection))) }
    }

    async fn ask(&self) -> Result<(), RepositoryError> {
        let mut kept = self.connection.lock().await;
        // One that was kept may have been lost since; a new one that fails is an answer.
        let known = match kept.take() {
            Some(mut connection) => is_standby(&mut connection).await.ok().map(|standby| (connection, standby)),
            None => None,
        };
        let (connection, standby) = if let Some(known) = known { known } else { self.ask_anew().await? };
        if standby {
            return Err(RepositoryError::unavailable(Standby));
        }
        *kept = Some(connection);
        Ok(())
    }

    async fn ask_anew(&self) -> Result<(AsyncPgConnection, bool), RepositoryError> {
        let mut connection = self.connector.connect().await.map_err(RepositoryError::unavailable)?;
        let standby = is_standby(&mut connection).await.map_err(RepositoryError::unavailable)?;
        Ok((connection, standby))
    }
}

#[async_trait]
impl Probe for PgProbe {
    async fn check(&self) -> Result<(), RepositoryError> {
        let asked = timeout_at(Instant::now() + self.deadline, self.ask()).await;
        asked.unwrap_or_else(|_| Err(RepositoryError::unavailable(DeadlinePassed)))
    }
}

async fn is_standby(connection: &mut AsyncPgConnection) -> diesel::QueryResult<bool> {
    let standby: Vec<bool> = Statement::<Bool, _>::new("SELECT pg_is_in_recovery()", ()).load(connection).await?;
    Ok(standby.contains(&true))
}
