//! One query for all who ask how far sessions have come.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::revision::Revision;
use chat_domain::session::{RevisionSource, SessionKey};
use metrics::{Counter, Histogram, counter, describe_counter, describe_histogram, histogram};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc, oneshot};
use tracing::{Instrument as _, Span};

use super::guarded::guarded;
use crate::deadline::within;
use crate::figure::count;
use crate::operation::{part, shared};

const REFUSALS: &str = "chat_revision_refusals_total";
const BATCH_SIZE: &str = "chat_revision_batch_size";

/// How [`SharedRevs`] asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedRevsConfig {
    /// So many queries run at once; 2. Fewer make larger batches.
    pub workers: usize,
    /// So many questions may wait; 4,096. More are refused at once.
    pub queue: usize,
    /// The most questions that share a query; 512.
    pub max_batch: usize,
    /// How long a question waits for its answer; 5 s. Never longer than its caller can.
    pub patience: Duration,
}

impl Default for SharedRevsConfig {
    fn default() -> Self {
        Self { workers: 2, queue: 4_096, max_batch: 512, patience: Duration::from_secs(5) }
    }
}

/// A [`RevisionSource`] around another: questions that come while queries run are asked together afterwards, each session
/// once.
///
/// A question never joins a query that is under way, since that may have read before the question came; so an answer is
/// as fresh as if each had asked alone. There is no timer: a lone question is asked at once.
///
/// Counts `chat_revision_refusals_total` by `reason` (`full`, `late`), and keeps the histogram
/// `chat_revision_batch_size`.
pub struct SharedRevs {
    questions: mpsc::Sender<Question>,
    patience: Duration,
    figures: Figures,
}

/// The handles, made once; clones are of the same figures.
#[derive(Clone)]
struct Figures {
    full: Counter,
    late: Counter,
    batch_size: Histogram,
}

struct Question {
    sessions: Vec<SessionKey>,
    answer: oneshot::Sender<Answer>,
    /// Lasts until the answer, where the caller is traced.
    span: Span,
}

type Answer = Result<Vec<Option<Revision>>, RepositoryError>;

/// Why a question went without an answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
enum Unanswered {
    #[error("too many questions wait for the store")]
    Full,
    #[error("the store took too long to answer")]
    Late,
    #[error("the store gave another number of answers than it was asked for")]
    Miscounted,
    #[error("the workers are gone")]
    Gone,
}

impl SharedRevs {
    /// Starts the workers, on the runtime in which this is called. They end when this value is dropped.
    #[must_use]
    pub fn spawn(inner: Arc<dyn RevisionSource>, config: &SharedRevsConfig) -> Self {
        let (questions, queue) = mpsc::channel(config.queue.max(1));
        let (queue, figures) = (Arc::new(Mutex::new(queue)), Figures::new());
        for inner in std::iter::repeat_n(inner, config.workers.max(1)) {
            tokio::spawn(work(inner, Arc::clone(&queue), config.max_batch.max(1), figures.batch_size.clone()));
        }
        Self { questions, patience: config.patience, figures }
    }
}

#[async_trait]
impl RevisionSource for SharedRevs {
    async fn revs(&self, sessions: Vec<SessionKey>) -> Answer {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        let end = within(self.patience)?;
        let (answer, answered) = oneshot::channel();
        self.questions.try_send(Question { sessions, answer, span: part("shared_revs.wait", None) }).map_err(
            |error| match error {
                TrySendError::Full(_) => refused(&self.figures.full, Unanswered::Full),
                TrySendError::Closed(_) => RepositoryError::unavailable(Unanswered::Gone),
            },
        )?;
        match tokio::time::timeout_at(end, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(RepositoryError::unavailable(Unanswered::Gone)),
            Err(_) => Err(refused(&self.figures.late, Unanswered::Late)),
        }
    }
}

impl Figures {
    fn new() -> Self {
        describe_counter!(REFUSALS, "Questions for a revision refused: too many waited, or the store took too long");
        describe_histogram!(BATCH_SIZE, "Questions for a revision that one query answers");
        let refusals = |reason: &'static str| counter!(REFUSALS, "reason" => reason);
        Self { full: refusals("full"), late: refusals("late"), batch_size: histogram!(BATCH_SIZE) }
    }
}

fn refused(counter: &Counter, why: Unanswered) -> RepositoryError {
    counter.increment(1);
    RepositoryError::unavailable(why)
}

/// Takes whatever waits, asks it, and begins anew, until nobody can ask any more.
async fn work(
    inner: Arc<dyn RevisionSource>,
    queue: Arc<Mutex<mpsc::Receiver<Question>>>,
    max_batch: usize,
    batch_size: Histogram,
) {
    let mut questions = Vec::new();
    while queue.lock().await.recv_many(&mut questions, max_batch).await > 0 {
        questions.retain(|question| !question.answer.is_closed());
        if !questions.is_empty() {
            batch_size.record(count(questions.len()));
            ask(&*inner, std::mem::take(&mut questions)).await;
        }
    }
}

async fn ask(inner: &dyn RevisionSource, questions: Vec<Question>) {
    let mut batch = Batch::default();
    let asked: Vec<_> = questions
        .into_iter()
        .map(|question| {
            let Question { sessions, answer, span } = question;
            (answer, span, sessions.into_iter().map(|key| batch.place(key)).collect::<Vec<_>>())
        })
        .collect();
    let span = shared(asked.iter().map(|(_, span, _)| span), || part("shared_revs.ask", Some(asked.len())));
    let revs = batch.ask(inner).instrument(span).await;
    for (answer, _span, places) in asked {
        let mine = revs.as_ref().map(|revs| places.iter().map(|&place| revs.get(place).copied().flatten()).collect());
        // Whoever hung up needs none.
        let _ = answer.send(mine.map_err(Clone::clone));
    }
}

/// The sessions that a query asks for, each once.
#[derive(Default)]
struct Batch {
    sessions: Vec<SessionKey>,
    places: HashMap<SessionKey, usize>,
}

impl Batch {
    /// Where the answer for this session will stand.
    fn place(&mut self, session: SessionKey) -> usize {
        match self.places.entry(session) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.sessions.push(new.key().clone());
                *new.insert(self.sessions.len() - 1)
            }
        }
    }

    async fn ask(self, inner: &dyn RevisionSource) -> Answer {
        let expected = self.sessions.len();
        let revs = guarded(inner.revs(self.sessions)).await.map_err(RepositoryError::internal)??;
        if revs.len() == expected { Ok(revs) } else { Err(RepositoryError::internal(Unanswered::Miscounted)) }
    }
}
