//! Whether the server is there and takes writes, and what its clock says.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::health::{Probe, Pulse};
use diesel::Queryable;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Bool, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::connect::Connector;
use super::statement::Statement;
use super::time::from_pg;
use crate::deadline::DeadlinePassed;
use crate::operation::{Observed, Operation, System};

/// Asks the server whether it is a primary, on a connection of its own: that the pool is busy, for instance with
/// writers that wait for each other, does not make the server any less there. Nothing is written, so a full disk is not seen, on
/// which reads go on. A clone has the same connection.
#[derive(Clone)]
pub struct PgProbe {
    connector: Connector,
    deadline: Duration,
    /// Nothing until it is needed, and after it broke. Whoever asks takes it out, so that nobody meets one on which an
    /// answer is still on its way.
    connection: Observed<Kept>,
}

type Kept = Arc<Mutex<Option<AsyncPgConnection>>>;

/// The server only reads.
#[derive(Debug, thiserror::Error)]
#[error("the server is in recovery and takes no writes")]
struct Standby;

impl PgProbe {
    pub(super) fn new(connector: Connector, deadline: Duration, connection: AsyncPgConnection) -> Self {
        let kept = Arc::new(Mutex::new(Some(connection)));
        Self { connector, deadline, connection: Observed::new(System::Postgres, kept) }
    }

    async fn ask_in_time(&self, kept: &Kept) -> Result<Pulse, RepositoryError> {
        let asked = timeout_at(Instant::now() + self.deadline, self.ask(kept)).await;
        asked.unwrap_or_else(|_| Err(RepositoryError::unavailable(DeadlinePassed)))
    }

    async fn ask(&self, kept: &Kept) -> Result<Pulse, RepositoryError> {
        let mut kept = kept.lock().await;
        // One that was kept may have been lost since; a new one that fails is an answer.
        let known = match kept.take() {
            Some(mut connection) => state(&mut connection).await.ok().map(|state| (connection, state)),
            None => None,
        };
        let (connection, state) = if let Some(known) = known { known } else { self.ask_anew().await? };
        if state.is_standby {
            return Err(RepositoryError::unavailable(Standby));
        }
        *kept = Some(connection);
        // A clock beyond all calendars is worth no more than none.
        Ok(Pulse { clock: from_pg(state.clock).ok() })
    }

    async fn ask_anew(&self) -> Result<(AsyncPgConnection, State), RepositoryError> {
        let mut connection = self.connector.connect().await.map_err(RepositoryError::unavailable)?;
        let state = state(&mut connection).await.map_err(RepositoryError::unavailable)?;
        Ok((connection, state))
    }
}

#[async_trait]
impl Probe for PgProbe {
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        self.connection.run(Operation::StoreProbe, |kept| self.ask_in_time(kept)).await
    }
}

/// What a server says of itself.
#[derive(Queryable)]
struct State {
    is_standby: bool,
    clock: PgTimestamp,
}

async fn state(connection: &mut AsyncPgConnection) -> diesel::QueryResult<State> {
    let state = Statement::<(Bool, Timestamptz), _>::new("SELECT pg_is_in_recovery(), clock_timestamp()", ());
    state.get_result(connection).await
}
