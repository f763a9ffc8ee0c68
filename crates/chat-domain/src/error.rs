//! How a store can fail. Business refusals are outcomes of the ports, never errors.

use std::error::Error;
use std::sync::Arc;

/// What lies behind a failure; shared, because one failed batch answers many callers.
pub type Source = Arc<dyn Error + Send + Sync + 'static>;

/// A store did not do what was asked, through no fault of the request.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RepositoryError {
    /// Nothing was written; a retry is safe.
    #[error("store unavailable")]
    Unavailable(#[source] Source),
    /// What must be locked is held by somebody else, and nothing was written; a retry is safe. Others' things, asked for
    /// in the same call, may be free.
    #[error("held by another writer")]
    Busy(#[source] Source),
    /// The write may or may not have happened; retry only with the same idempotency key.
    #[error("write outcome unknown")]
    OutcomeUnknown(#[source] Source),
    /// A stored row breaks the model's rules.
    #[error("stored {0} cannot be read back")]
    Corrupt(&'static str, #[source] Source),
    /// The store refused the statement: a fault of ours, never retried.
    #[error("store rejected the statement")]
    Internal(#[source] Source),
}

impl RepositoryError {
    /// The store could not be reached or is too busy, and nothing was written.
    pub fn unavailable(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Arc::new(source))
    }

    /// What must be locked is held by somebody else, and nothing was written.
    pub fn busy(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Busy(Arc::new(source))
    }

    /// The answer to a write was lost.
    pub fn outcome_unknown(source: impl Error + Send + Sync + 'static) -> Self {
        Self::OutcomeUnknown(Arc::new(source))
    }

    /// A row of the named kind could not be turned into its entity.
    pub fn corrupt(what: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Corrupt(what, Arc::new(source))
    }

    /// The statement itself was at fault.
    pub fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(source))
    }
}
