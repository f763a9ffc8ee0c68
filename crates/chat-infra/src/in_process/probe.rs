//! The health of what cannot be down while the process is up.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::health::{Probe, Pulse};

/// Answers for a part that lives in the process itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct AlwaysUp;

#[async_trait]
impl Probe for AlwaysUp {
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        Ok(Pulse::default())
    }
}
