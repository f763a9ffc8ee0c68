//! One query for all who ask how far sessions have come.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::revision::Revision;
use chat_domain::session::{RevisionSource, SessionKey};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::guarded::guarded;

/// How [`SharedRevs`] asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedRevsConfig {
    /// So many queries run at once; 2. Fewer make larger batches.
    pub workers: usize,
    /// So many questions may wait; 4,096. More are refused at once.
    pub queue: usize,
    /// The most questions that share a query; 512.
    pub max_batch: usize,
    /// How long a question waits for its answer; 5 s.
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
}

struct Question {
    sessions: Vec<SessionKey>,
    answer: oneshot::Sender<Answer>,
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
        let queue = Arc::new(Mutex::new(queue));
        for inner in std::iter::repeat_n(inner, config.workers.max(1)) {
            tokio::spawn(work(inner, Arc::clone(&queue), config.max_batch.max(1)));
        }
        Self { questions, patience: config.patience }
    }
}

#[async_trait]
impl RevisionSource for SharedRevs {
    async fn revs(&self, sessions: Vec<SessionKey>) -> Answer {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        let (answer, answered) = oneshot::channel();
        self.questions.try_send(Question { sessions, answer }).map_err(|refused| match refused {
            TrySendError::Full(_) => refuse("full", Unanswered::Full),
            TrySendError::Closed(_) => RepositoryError::unavailable(Unanswered::Gone),
        })?;
        match tokio::time::timeout(self.patience, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(RepositoryError::unavailable(Unanswered::Gone)),
            Err(_) => Err(refuse("late", Unanswered::Late)),
        }
    }
}

fn refuse(reason: &'static str, why: Unanswered) -> RepositoryError {
    metrics::counter!("chat_revision_refusals_total", "reason" => reason).increment(1);
    RepositoryError::unavailable(why)
}

/// Takes whatever waits, asks it, and begins anew, until nobody can ask any more.
async fn work(inner: Arc<dyn RevisionSource>, queue: Arc<Mutex<mpsc::Receiver<Question>>>, max_batch: usize) {
    let mut questions = Vec::new();
    while queue.lock().await.recv_many(&mut questions, max_batch).await > 0 {
        questions.retain(|question| !question.answer.is_closed());
        if !questions.is_empty() {
            ask(&*inner, std::mem::take(&mut questions)).await;
        }
    }
}

async fn ask(inner: &dyn RevisionSource, questions: Vec<Question>) {
    metrics::histogram!("chat_revision_batch_size").record(u32::try_from(questions.len()).unwrap_or(u32::MAX));
    let mut batch = Batch::default();
    let asked: Vec<_> = questions
        .into_iter()
        .map(|question| {
            (question.answer, question.sessions.into_iter().map(|key| batch.place(key)).collect::<Vec<_>>())
        })
        .collect();
    let revs = batch.ask(inner).await;
    for (answer, places) in asked {
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
