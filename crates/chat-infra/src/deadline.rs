//! Until when an operation may wait: as long as its adapter allows, and never longer than the work that it belongs to.

use std::time::Duration;

use chat_domain::deadline;
use chat_domain::error::RepositoryError;
use tokio::time::Instant;

/// The time for an operation has passed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no answer within the deadline")]
pub(crate) struct DeadlinePassed;

/// The end of an operation that begins now and may take so long by itself.
///
/// # Errors
/// Where the work that it belongs to has no time left: nothing may be begun.
pub(crate) fn within(longest: Duration) -> Result<Instant, RepositoryError> {
    let now = Instant::now();
    match deadline::end(now.into_std()).map(Instant::from_std) {
        Some(end) if end <= now => Err(RepositoryError::unavailable(DeadlinePassed)),
        Some(end) => Ok(end.min(now + longest)),
        None => Ok(now + longest),
    }
}
