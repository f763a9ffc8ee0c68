//! Work that waits for a disk, away from those who serve requests.

use std::io;
use std::time::SystemTime;

use chat_domain::error::RepositoryError;
use chat_domain::timestamp::Timestamp;
use time::OffsetDateTime;

/// What a disk said. The system's words name no path.
#[derive(Debug, thiserror::Error)]
#[error("the disk does not do what it should")]
pub(super) struct DiskFault(#[from] io::Error);

/// Does the work on a thread that may wait.
///
/// # Errors
/// [`RepositoryError::Unavailable`] with what the disk says.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, RepositoryError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(RepositoryError::unavailable)?;
    done.map_err(|error| RepositoryError::unavailable(DiskFault(error)))
}

/// The moment that a file's time is.
pub(super) fn moment(time: SystemTime) -> Timestamp {
    OffsetDateTime::from(time).into()
}

/// What is not there is gone already.
pub(super) fn gone(removed: io::Result<()>) -> io::Result<bool> {
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
