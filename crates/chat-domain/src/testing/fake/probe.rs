//! A probe that answers as it is told to.

use async_trait::async_trait;

use crate::error::RepositoryError;
use crate::health::{Probe, Pulse};
use crate::timestamp::Timestamp;

/// A probe that answers as it is told to.
#[derive(Debug, Clone, Copy)]
pub enum FakeProbe {
    /// What is probed is there.
    Healthy,
    /// What is probed is there, and its clock says this.
    Telling(Timestamp),
    /// What is probed says that it is not.
    Failing,
    /// What is probed never answers.
    Hanging,
}

#[derive(Debug, thiserror::Error)]
#[error("the probe was told to fail")]
struct ToldToFail;

#[async_trait]
impl Probe for FakeProbe {
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        match *self {
            Self::Healthy => Ok(Pulse::default()),
            Self::Telling(time) => Ok(Pulse { clock: Some(time) }),
            Self::Failing => Err(RepositoryError::unavailable(ToldToFail)),
            Self::Hanging => std::future::pending().await,
        }
    }
}
