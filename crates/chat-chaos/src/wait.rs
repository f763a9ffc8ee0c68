//! Waiting for a condition, never for a time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::failure::{Failure, Outcome};
use crate::process::TICK;

/// Looks again and again, until it is so.
///
/// # Errors
/// Where the look fails, and where it is not so for too long.
pub(crate) async fn until(what: &str, patience: Duration, mut look: impl AsyncFnMut() -> Outcome<bool>) -> Outcome {
    let last = Instant::now() + patience;
    while !look().await? {
        if Instant::now() > last {
            return Err(Failure::InVain(what.to_owned()));
        }
        sleep(TICK).await;
    }
    Ok(())
}
