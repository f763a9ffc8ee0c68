//! The queues between callers and writers.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use chat_domain::error::RepositoryError;
use chat_domain::id::SessionId;
use chat_domain::message::{AppendOutcome, NewMessage};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tracing::Span;

use super::claim::Claim;
use super::figures::Figures;
use super::split::{Part, Unknown};
use crate::deadline::within;
use crate::operation;

/// What an append comes to.
pub(super) type Answer = Result<Vec<AppendOutcome>, RepositoryError>;

/// Messages of one caller to one session.
pub(super) struct Job {
    pub(super) session: SessionId,
    pub(super) messages: Vec<NewMessage>,
    pub(super) times: Times,
    pub(super) claim: Claim,
    /// Lasts until the answer, where the caller is traced.
    pub(super) span: Span,
    reply: oneshot::Sender<Answer>,
}

/// How long a caller waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    queued: Instant,
    /// Nothing is begun after this.
    patience: Instant,
    /// The store has to say what it has done by then: a little before the end, so that its word comes in time.
    pub(super) verdict: Instant,
    /// The caller's own deadline.
    end: Instant,
}

/// The answer to a part of a batch that is still to come.
pub(super) struct Pending {
    /// Where the part's messages stood in the batch.
    pub(super) places: Vec<usize>,
    times: Times,
    claim: Claim,
    answer: oneshot::Receiver<Answer>,
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
    deadline: Duration,
    figures: Figures,
}

impl Times {
    /// Of what is left of the time, three fifths may pass before the store is asked; the rest is for the store.
    fn of(end: Instant) -> Self {
        let queued = Instant::now();
        let time = end.saturating_duration_since(queued);
        Self { queued, patience: queued + time * 3 / 5, verdict: queued + time * 19 / 20, end }
    }
}

impl Job {
    /// The job, if its caller has not given it up; the writer's from now on.
    pub(super) fn begun(self, figures: &Figures) -> Option<Self> {
        if !self.claim.begin() {
            return None;
        }
        let now = Instant::now();
        figures.begun(now - self.times.queued);
        if self.times.patience <= now {
            self.answer(Err(figures.late()));
            return None;
        }
        Some(self)
    }

    /// Tells the caller. Whoever hung up does not want to know; what was sent is stored all the same.
    pub(super) fn answer(self, answer: Answer) {
        let _ = self.reply.send(answer);
    }
}

impl Pending {
    /// Waits for the answer, and no longer than the caller can.
    pub(super) async fn answered(mut self, figures: &Figures) -> Answer {
        for end in [self.times.patience, self.times.end] {
            match timeout_at(end, &mut self.answer).await {
                Ok(Ok(answer)) => return answer,
                Ok(Err(_)) if self.claim.give_up() => return Err(RepositoryError::unavailable(NotTaken::Closed)),
                Ok(Err(_)) => return Err(RepositoryError::outcome_unknown(Unknown::NoAnswer)),
                Err(_) if self.claim.give_up() => return Err(figures.late()),
                Err(_) => {}
            }
        }
        Err(RepositoryError::outcome_unknown(Unknown::Late))
    }
}

impl Queues {
    /// Open queues, and the ends for the writers. Callers whose own time is not bounded wait no longer than the deadline.
    pub(super) fn new(
        shards: usize,
        capacity: usize,
        deadline: Duration,
        figures: Figures,
    ) -> (Self, Vec<mpsc::Receiver<Job>>) {
        let (senders, receivers) = (0..shards).map(|_| mpsc::channel(capacity)).unzip();
        (Self { shards, open: RwLock::new(Some(senders)), deadline, figures }, receivers)
    }

    pub(super) const fn shards(&self) -> usize {
        self.shards
    }

    /// Queues all parts or none.
    pub(super) fn push(&self, parts: Vec<Part>) -> Result<Vec<Pending>, RepositoryError> {
        let times = Times::of(within(self.deadline)?);
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let senders = open.as_ref().ok_or_else(|| RepositoryError::unavailable(NotTaken::Closed))?;
        let places = parts.iter().map(|part| self.reserve(senders, part.shard)).collect::<Result<Vec<_>, _>>()?;
        let queue = |(place, part): (mpsc::Permit<'_, Job>, Part)| {
            let Part { session, places, messages, .. } = part;
            let (claim, (reply, answer)) = (Claim::new(), oneshot::channel());
            let span = operation::part("group_commit.wait", None);
            place.send(Job { session, messages, times, claim: claim.clone(), span, reply });
            Pending { places, times, claim, answer }
        };
        Ok(places.into_iter().zip(parts).map(queue).collect())
    }

    fn reserve<'s>(
        &self,
        senders: &'s [mpsc::Sender<Job>],
        shard: usize,
    ) -> Result<mpsc::Permit<'s, Job>, RepositoryError> {
        let sender = senders.get(shard).ok_or_else(|| RepositoryError::unavailable(NotTaken::Closed))?;
        sender.try_reserve().map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => self.figures.full(),
            mpsc::error::TrySendError::Closed(()) => RepositoryError::unavailable(NotTaken::Closed),
        })
    }

    /// How many jobs wait at the moment.
    pub(super) fn waiting(&self) -> usize {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.iter().flatten().map(|sender| sender.max_capacity() - sender.capacity()).sum()
    }

    /// From now on nothing can be queued. Writers end when they have taken what is.
    pub(super) fn close(&self) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}
