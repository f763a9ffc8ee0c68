//! A client that does not keep up with an answer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// What a client has to take of an answer within its time, in bytes, unless the answer ends before. One that takes a byte
/// now and then would otherwise keep a page for hours.
pub(super) const PROGRESS: usize = 64 * 1024;

/// A client that has not taken all that there was for it.
pub(super) struct Behind {
    /// So many bytes it still has to take.
    left: usize,
    /// Until then.
    until: Pin<Box<Sleep>>,
    /// Since when it has taken all there was, and the next piece of its answer is awaited: that time is not its own.
    waits: Option<Instant>,
}

impl Behind {
    /// It has so long from now on.
    pub(super) fn new(patience: Duration) -> Self {
        Self { left: PROGRESS, until: Box::pin(sleep_until(Instant::now() + patience)), waits: None }
    }

    /// Whether it has taken too little for too long.
    pub(super) fn poll_overdue(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(since) = self.waits.take() {
            let until = self.until.deadline() + since.elapsed();
            self.until.as_mut().reset(until);
        }
        self.until.as_mut().poll(context)
    }

    /// It has taken so many bytes, and perhaps with them all that there was, which more may follow. Whether it has caught up
    /// by that.
    pub(super) fn catches_up(&mut self, bytes: usize, all: bool, more_to_come: bool) -> bool {
        if bytes >= self.left || (all && !more_to_come) {
            return true;
        }
        self.left -= bytes;
        if all {
            self.waits.get_or_insert_with(Instant::now);
        }
        false
    }
}
