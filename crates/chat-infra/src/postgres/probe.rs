//! Whether the server is there and takes writes.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::health::Probe;
use diesel::sql_types::Bool;

use super::pool::PgPool;
use super::statement::Statement;

/// Asks the server whether it is a primary, on one of the connections that the work goes over.
pub struct PgProbe(pub(super) PgPool);

/// The server only reads.
#[derive(Debug, thiserror::Error)]
#[error("the server is in recovery and takes no writes")]
struct Standby;

#[async_trait]
impl Probe for PgProbe {
    async fn check(&self) -> Result<(), RepositoryError> {
        let standby: Vec<bool> = self.0.read(|| Statement::<Bool, _>::new("SELECT pg_is_in_recovery()", ())).await?;
        if standby.contains(&true) { Err(RepositoryError::unavailable(Standby)) } else { Ok(()) }
    }
}
