//! The figures of group commit. Their handles are made once: a message costs no lookup.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chat_domain::error::RepositoryError;
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use super::queue::NotTaken;
use crate::figure::count;

const REFUSALS: &str = "chat_append_refusals_total";
const DEPTH: &str = "chat_append_queue_depth";
const WAIT: &str = "chat_append_wait_seconds";
const BATCH: &str = "chat_append_batch_size";
const APART: &str = "chat_append_sessions_apart";

/// The handles. A clone has the same ones.
#[derive(Clone)]
pub(super) struct Figures {
    full: Counter,
    late: Counter,
    depth: Gauge,
    wait: Histogram,
    batch: Histogram,
    sessions_apart: Gauge,
    /// Jobs that wait for sessions which are written apart.
    jobs_apart: Arc<AtomicUsize>,
}

impl Figures {
    /// The handles, with whatever takes the figures by now.
    pub(super) fn new() -> Self {
        describe_counter!(REFUSALS, "Appends refused: the queue was full, or they waited too long for their writer");
        describe_gauge!(DEPTH, "Appends that wait to be written");
        describe_histogram!(WAIT, Unit::Seconds, "Time for which an append waited to be written");
        describe_histogram!(BATCH, "Messages that one call of the store appends");
        describe_gauge!(APART, "Sessions that are written by themselves, because somebody else held them");
        Self {
            full: counter!(REFUSALS, "reason" => "full"),
            late: counter!(REFUSALS, "reason" => "late"),
            depth: gauge!(DEPTH),
            wait: histogram!(WAIT),
            batch: histogram!(BATCH),
            sessions_apart: gauge!(APART),
            jobs_apart: Arc::default(),
        }
    }

    /// Refuses a message for which there is no place.
    pub(super) fn full(&self) -> RepositoryError {
        self.full.increment(1);
        RepositoryError::unavailable(NotTaken::Full)
    }

    /// Refuses a message that has waited too long.
    pub(super) fn late(&self) -> RepositoryError {
        self.late.increment(1);
        RepositoryError::unavailable(NotTaken::Late)
    }

    /// So many jobs wait in the queues, beside those that wait apart.
    pub(super) fn waiting(&self, jobs: usize) {
        self.depth.set(count(jobs + self.jobs_apart.load(Ordering::Relaxed)));
    }

    /// A job has waited so long until it was begun.
    pub(super) fn begun(&self, waited: Duration) {
        self.wait.record(waited.as_secs_f64());
    }

    /// So many messages are written at once.
    pub(super) fn written(&self, messages: usize) {
        self.batch.record(count(messages));
    }

    /// A job waits for a session that is written apart.
    pub(super) fn put_apart(&self) {
        self.jobs_apart.fetch_add(1, Ordering::Relaxed);
    }

    /// So many jobs wait no longer for such a session.
    pub(super) fn taken_from_apart(&self, jobs: usize) {
        self.jobs_apart.fetch_sub(jobs, Ordering::Relaxed);
    }

    /// So many sessions are written apart now, and were before.
    pub(super) fn sessions_apart(&self, before: usize, now: usize) {
        self.sessions_apart.increment(count(now) - count(before));
    }
}
