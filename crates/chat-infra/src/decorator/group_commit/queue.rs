//! The queues between callers and writers.

use std::sync::{PoisonError, RwLock};

use chat_domain::error::RepositoryError;
use chat_domain::message::{AppendOutcome, NewMessage};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::split::Part;

/// What an append comes to.
pub(super) type Answer = Result<Vec<AppendOutcome>, RepositoryError>;

/// Messages of one caller, for one writer.
pub(super) struct Job {
    pub(super) messages: Vec<NewMessage>,
    pub(super) queued_at: Instant,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// The answer to a part of a batch that is still to come.
pub(super) struct Pending {
    /// Where the part's messages stood in the batch.
    pub(super) places: Vec<usize>,
    pub(super) answer: oneshot::Receiver<Answer>,
}

/// Why an append was not taken.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("too many messages wait to be written")]
    Full,
    #[error("the message waited too long to be written")]
    Late,
    #[error("no more messages are taken")]
    Closed,
}

/// One bounded queue for each writer, until they are closed.
pub(super) struct Queues {
    shards: usize,
    open: RwLock<Option<Vec<mpsc::Sender<Job>>>>,
}

impl Queues {
    /// Open queues, and the ends for the writers.
    pub(super) fn new(shards: usize, capacity: usize) -> (Self, Vec<mpsc::Receiver<Job>>) {
        let (senders, receivers) = (0..shards).map(|_| mpsc::channel(capacity)).unzip();
        (Self { shards, open: RwLock::new(Some(senders)) }, receivers)
    }

    pub(super) const fn shards(&self) -> usize {
        self.shards
    }

    /// Queues all parts or none.
    pub(super) fn push(&self, parts: Vec<Part>) -> Result<Vec<Pending>, RepositoryError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let senders = open.as_ref().ok_or_else(|| RepositoryError::unavailable(NotTaken::Closed))?;
        let places = parts.iter().map(|part| reserve(senders, part.shard)).collect::<Result<Vec<_>, _>>()?;
        let queued_at = Instant::now();
        metrics::gauge!("chat_append_queue_depth").increment(count(places.len()));
        let queue = |(place, part): (mpsc::Permit<'_, Job>, Part)| {
            let (reply, answer) = oneshot::channel();
            place.send(Job { messages: part.messages, queued_at, reply });
            Pending { places: part.places, answer }
        };
        Ok(places.into_iter().zip(parts).map(queue).collect())
    }

    /// From now on nothing can be queued. Writers end when they have taken what is.
    pub(super) fn close(&self) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

fn reserve(senders: &[mpsc::Sender<Job>], shard: usize) -> Result<mpsc::Permit<'_, Job>, RepositoryError> {
    let sender = senders.get(shard).ok_or_else(|| RepositoryError::unavailable(NotTaken::Closed))?;
    sender.try_reserve().map_err(|error| match error {
        mpsc::error::TrySendError::Full(()) => refuse("full", NotTaken::Full),
        mpsc::error::TrySendError::Closed(()) => RepositoryError::unavailable(NotTaken::Closed),
    })
}

/// Counts a refusal.
pub(super) fn refuse(reason: &'static str, why: NotTaken) -> RepositoryError {
    metrics::counter!("chat_append_refusals_total", "reason" => reason).increment(1);
    RepositoryError::unavailable(why)
}

/// A number for a gauge or a histogram.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
