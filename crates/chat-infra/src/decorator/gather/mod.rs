//! Many questions become one query: those that come while queries run are asked together afterwards, each once.
//!
//! A question never joins a query that is under way, since that may have read before the question came; so an answer is
//! as fresh as if each had asked alone. There is no timer that a question waits for: a lone one is asked at once.

mod group;
mod line;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use foldhash::fast::RandomState;
use metrics::{Counter, Histogram};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use self::group::Group;
use self::line::Line;
use super::guarded::guarded;
use crate::deadline::within;
use crate::figure::count;
use crate::operation::{part, shared};

/// Answers many questions at once.
#[async_trait]
pub(super) trait Source: Send + Sync + 'static {
    /// What is asked; questions that are equal are asked once.
    type Question: Clone + Eq + Hash + Send + 'static;
    /// What is answered, shared by all who asked the same.
    type Answer: Clone + Send + 'static;

    /// How traces call the wait for an answer, and the query.
    const PARTS: [&str; 2];

    /// An answer for each question, in order.
    async fn ask(&self, questions: Vec<Self::Question>) -> Result<Vec<Self::Answer>, RepositoryError>;
}

/// How a [`Gather`] asks.
pub(super) struct GatherConfig {
    /// So many queries run at once at the most.
    pub(super) workers: usize,
    /// A query that takes longer lets the next one begin beside it.
    pub(super) overtake: Duration,
    /// So many questions may wait.
    pub(super) queue: usize,
    /// The most questions that share a query.
    pub(super) max_batch: usize,
    /// How long a question waits for its answer.
    pub(super) patience: Duration,
}

/// What is counted.
#[derive(Clone)]
pub(super) struct Figures {
    /// Refused, because too many waited.
    pub(super) full: Counter,
    /// Refused, because the store took too long.
    pub(super) late: Counter,
    /// Questions that a query answered.
    pub(super) batch_size: Histogram,
}

/// After so long without a question those who were answered last are woken one by one, where they have not woken each
/// other.
const SETTLE: Duration = Duration::from_millis(2);

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

/// Where questions are gathered. Whoever asks them ends when it is dropped.
pub(super) struct Gather<S: Source> {
    line: Arc<Line<S::Question, S::Answer>>,
    patience: Duration,
    figures: Figures,
    worker: JoinHandle<()>,
}

impl<S: Source> Gather<S> {
    /// Starts to ask, on the runtime in which this is called.
    pub(super) fn spawn(source: S, config: &GatherConfig, figures: Figures) -> Self {
        let line = Arc::new(Line::new(config.queue, config.max_batch));
        let worker = Worker {
            source,
            line: Arc::clone(&line),
            overtake: config.overtake,
            beside: Arc::new(Semaphore::new(config.workers.saturating_sub(1))),
            batch_size: figures.batch_size.clone(),
        };
        Self { line, patience: config.patience, figures, worker: tokio::spawn(Arc::new(worker).run()) }
    }

    /// The answer of a query that began after this was called.
    ///
    /// # Errors
    /// Those of the query, and `Unavailable` where too many wait or it takes too long.
    pub(super) async fn ask(&self, question: S::Question) -> Result<S::Answer, RepositoryError> {
        self.ask_if_room(question).await?.ok_or_else(|| refused(&self.figures.full, Unanswered::Full))
    }

    /// The same, and nothing where too many wait, for those who can do without.
    ///
    /// # Errors
    /// Those of the query, and `Unavailable` where it takes too long.
    pub(super) async fn ask_if_room(&self, question: S::Question) -> Result<Option<S::Answer>, RepositoryError> {
        let end = within(self.patience)?;
        let [waiting, _] = S::PARTS;
        let Some(place) = self.line.join(question, part(waiting, None)) else { return Ok(None) };
        match tokio::time::timeout_at(end, place).await {
            Ok(answer) => answer?.map(Some).ok_or_else(|| RepositoryError::internal(Unanswered::Miscounted)),
            Err(_) => Err(refused(&self.figures.late, Unanswered::Late)),
        }
    }
}

impl<S: Source> Drop for Gather<S> {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

fn refused(counter: &Counter, why: Unanswered) -> RepositoryError {
    counter.increment(1);
    RepositoryError::unavailable(why)
}

struct Worker<S: Source> {
    source: S,
    line: Arc<Line<S::Question, S::Answer>>,
    overtake: Duration,
    /// A permit for each query that may go on while others begin.
    beside: Arc<Semaphore>,
    batch_size: Histogram,
}

impl<S: Source> Worker<S> {
    /// Takes whatever waits, asks it, and begins anew, for as long as it is let. All who come while a query runs wait for
    /// one and the same next one: what a query costs lies mostly in that it is one.
    async fn run(self: Arc<Self>) {
        let mut answered = None;
        loop {
            let batch = self.next(&mut answered).await;
            let mut asking = Box::pin(Arc::clone(&self).ask(batch));
            answered = tokio::time::timeout(self.overtake, &mut asking).await.ok();
            if answered.is_none() {
                self.go_on_beside(asking).await;
            }
        }
    }

    /// Lets a query go on by itself, or waits for it where too many do.
    async fn go_on_beside(&self, asking: Pin<Box<impl Future<Output = Batch<S>> + Send + 'static>>) {
        match Arc::clone(&self.beside).try_acquire_owned() {
            Ok(permit) => drop(tokio::spawn(async move {
                asking.await;
                drop(permit);
            })),
            Err(_) => drop(asking.await),
        }
    }

    /// Whatever waits. Those who were answered before are settled when nobody comes for a while.
    async fn next(&self, answered: &mut Option<Batch<S>>) -> Batch<S> {
        let mut next = pin!(self.line.next());
        if answered.is_some() {
            if let Ok(groups) = tokio::time::timeout(SETTLE, &mut next).await {
                return Batch(groups);
            }
            *answered = None;
        }
        Batch(next.await)
    }

    /// Asks, answers, and gives the batch back, to be settled.
    async fn ask(self: Arc<Self>, batch: Batch<S>) -> Batch<S> {
        let mut questions = Questions::default();
        let groups: Vec<Vec<_>> = batch.0.iter().map(|group| place_all(group, &mut questions)).collect();
        let asked = || groups.iter().flatten().flatten();
        let count_asked = asked().count();
        if count_asked == 0 {
            return batch;
        }
        self.batch_size.record(count(count_asked));
        let [_, asking] = S::PARTS;
        let span = shared(asked().map(|(_, span)| span), || part(asking, Some(count_asked)));
        let answers = questions.ask(&self.source).instrument(span).await;
        for (group, asked) in batch.0.iter().zip(groups) {
            let of = |answers: &Vec<S::Answer>| {
                let answer = |(place, _span)| answers.get::<usize>(place).cloned();
                asked.into_iter().map(|asked| asked.and_then(answer)).collect()
            };
            group.answer(answers.as_ref().map(of).map_err(Clone::clone));
        }
        batch
    }
}

/// Puts the questions of a group among those to be asked; where each stands there.
fn place_all<Q: Clone + Eq + Hash, A>(
    group: &Group<Q, A>,
    questions: &mut Questions<Q>,
) -> Vec<Option<(usize, tracing::Span)>> {
    let asked = group.take().into_iter();
    asked.map(|asked| asked.map(|(question, span)| (questions.place(question), span))).collect()
}

/// Groups that are asked for together. Whatever happened, nobody waits any more when this is gone.
struct Batch<S: Source>(Vec<Arc<Group<S::Question, S::Answer>>>);

impl<S: Source> Drop for Batch<S> {
    fn drop(&mut self) {
        for group in &self.0 {
            group.settle(|| RepositoryError::unavailable(Unanswered::Gone));
        }
    }
}

/// The questions of a query, each once.
struct Questions<Q> {
    all: Vec<Q>,
    places: HashMap<Q, usize, RandomState>,
}

impl<Q> Default for Questions<Q> {
    fn default() -> Self {
        Self { all: Vec::new(), places: HashMap::default() }
    }
}

impl<Q: Clone + Eq + Hash> Questions<Q> {
    /// Where the answer will stand.
    fn place(&mut self, question: Q) -> usize {
        match self.places.entry(question) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.all.push(new.key().clone());
                *new.insert(self.all.len() - 1)
            }
        }
    }

    async fn ask<S: Source<Question = Q>>(self, source: &S) -> Result<Vec<S::Answer>, RepositoryError> {
        let expected = self.all.len();
        let answers = guarded(source.ask(self.all)).await.map_err(RepositoryError::internal)??;
        if answers.len() == expected { Ok(answers) } else { Err(RepositoryError::internal(Unanswered::Miscounted)) }
    }
}
