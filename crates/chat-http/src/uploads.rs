//! Files that are on their way in: how many at once, and how they may come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};

use crate::problem::{Kind, Problem};

/// The name of the gauge of files on their way in.
pub(crate) const IN_FLIGHT_METRIC: &str = "chat_attachment_uploads_in_flight";
/// The name of the counter of bytes of files that came in.
pub(crate) const RECEIVED_METRIC: &str = "chat_attachment_received_bytes_total";
/// The name of the counter of bytes of files that went out.
pub(crate) const SENT_METRIC: &str = "chat_attachment_sent_bytes_total";

const CROWDED: &str = "Too many files are on their way in. Nothing was kept; try again.";

/// The uploads of all workers.
pub(crate) struct Uploads {
    most: usize,
    now: AtomicUsize,
    pace: Pace,
    in_flight: Gauge,
    received: Counter,
    sent: Counter,
}

/// How slow an upload may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The longest silence between two pieces.
    pub(crate) stall: Duration,
    /// The longest time for the whole.
    pub(crate) whole: Duration,
}

/// One upload, for as long as this lives.
pub(crate) struct Slot(Arc<Uploads>);

/// There is no more room for uploads.
#[derive(Debug, thiserror::Error)]
#[error("{0} files are on their way in already")]
struct Crowded(usize);

impl Uploads {
    /// So many at once, at this pace.
    pub(crate) fn new(most: usize, pace: Pace) -> Arc<Self> {
        let (in_flight, received, sent) = (gauge!(IN_FLIGHT_METRIC), counter!(RECEIVED_METRIC), counter!(SENT_METRIC));
        Arc::new(Self { most, now: AtomicUsize::new(0), pace, in_flight, received, sent })
    }

    /// Takes part.
    ///
    /// # Errors
    /// Where so many do already.
    pub(crate) fn begin(self: &Arc<Self>) -> Result<Slot, Problem> {
        let taken = |now: usize| (now < self.most).then_some(now + 1);
        match self.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken) {
            Ok(_) => {
                self.in_flight.increment(1.0);
                Ok(Slot(Arc::clone(self)))
            }
            Err(now) => Err(Problem::new(Kind::StoreUnavailable, CROWDED).because(Crowded(now))),
        }
    }

    /// How slow an upload may be.
    pub(crate) const fn pace(&self) -> Pace {
        self.pace
    }

    /// Counts what came in of files.
    pub(crate) fn received(&self, bytes: usize) {
        self.received.increment(bytes as u64);
    }

    /// Counts what goes out of files.
    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.increment(bytes as u64);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
        self.0.in_flight.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_take_part_at_once_and_others_once_one_has_left() {
        let pace = Pace { stall: Duration::ZERO, whole: Duration::ZERO };
        let uploads = Uploads::new(2, pace);
        let (one, _other) = (uploads.begin().unwrap(), uploads.begin().unwrap());
        assert_eq!(uploads.begin().err().map(|problem| problem.kind()), Some(Kind::StoreUnavailable));
        drop(one);
        assert!(uploads.begin().is_ok());
    }
}
