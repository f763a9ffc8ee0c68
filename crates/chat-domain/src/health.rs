//! The health port: whether something that the service leans on is there.

use async_trait::async_trait;

use crate::error::RepositoryError;

/// Asks a store or a cache whether it is there. The caller bounds the wait.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// One real round trip to what is probed.
    ///
    /// # Errors
    /// Where it does not answer as it should.
    async fn check(&self) -> Result<(), RepositoryError>;
}
