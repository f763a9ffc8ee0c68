//! One query for all who ask how far sessions have come.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::message::{Changes, Since};
use chat_domain::revision::Revision;
use chat_domain::session::{News, RevisionSource, SessionKey};
use futures_util::future::{try_join, try_join_all};
use metrics::{counter, describe_counter, describe_histogram, histogram};

use super::gather::{Figures, Gather, GatherConfig, Source};

/// So many sessions at the most have their changes told by one query; the pages of others are read.
const CHANGES: usize = 64;

const REFUSALS: &str = "chat_revision_refusals_total";
const BATCH_SIZE: &str = "chat_revision_batch_size";

/// How [`SharedRevs`] asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedRevsConfig {
    /// So many queries run at once at the most; 4. One does, unless it takes longer than [`overtake`](Self::overtake): the
    /// others are there for a store that is slow or far, where to wait for one query before the next doubles its time.
    pub workers: usize,
    /// A query that takes longer lets the next one begin beside it; 10 ms. Until then all who come wait for the next one
    /// together, since few large queries cost much less than many small ones.
    pub overtake: Duration,
    /// So many questions may wait; 4,096. More are refused at once.
    pub queue: usize,
    /// The most questions that share a query; 512.
    pub max_batch: usize,
    /// How long a question waits for its answer; 5 s. Never longer than its caller can.
    pub patience: Duration,
}

impl Default for SharedRevsConfig {
    fn default() -> Self {
        let (overtake, patience) = (Duration::from_millis(10), Duration::from_secs(5));
        Self { workers: 4, overtake, queue: 4_096, max_batch: 512, patience }
    }
}

/// A [`RevisionSource`] around another: questions that come while a query runs are asked together afterwards, each session
/// once.
///
/// A question never joins a query that is under way, since that may have read before the question came; so an answer is
/// as fresh as if each had asked alone. A lone question is asked at once.
///
/// Counts `chat_revision_refusals_total` by `reason` (`full`, `late`), and keeps the histogram
/// `chat_revision_batch_size`.
///
/// What has changed in sessions that have moved on is asked for in the same queries.
pub struct SharedRevs(Gather<Revs>);

struct Revs(Arc<dyn RevisionSource>);

/// What one caller asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Question {
    Revision(SessionKey),
    Changes(Since),
}

/// An answer to another question.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a question for a revision and one for changes were mixed up")]
struct Mixed;

/// What it is told.
#[derive(Debug, Clone)]
enum Answer {
    Revision(Option<Revision>),
    Changes(Option<Arc<Changes>>),
}

#[async_trait]
impl Source for Revs {
    type Answer = Answer;
    type Question = Question;

    const PARTS: [&str; 2] = ["shared_revs.wait", "shared_revs.ask"];

    async fn ask(&self, questions: Vec<Question>) -> Result<Vec<Answer>, RepositoryError> {
        let (mut sessions, mut since) = (Vec::with_capacity(questions.len()), Vec::new());
        let mut of_changes = Vec::with_capacity(questions.len());
        for question in questions {
            of_changes.push(matches!(question, Question::Changes(_)));
            match question {
                Question::Revision(session) => sessions.push(session),
                Question::Changes(of) => since.push(of),
            }
        }
        since.truncate(CHANGES);
        let News { revisions, changes } = if since.is_empty() {
            News { revisions: self.0.revs(sessions).await?, changes: Vec::new() }
        } else {
            self.0.news(sessions, since).await?
        };
        let (mut revisions, mut changes) = (revisions.into_iter(), changes.into_iter());
        // Where revisions are missing there are too few answers, which is noticed.
        let answers = of_changes.into_iter().map_while(|of_changes| {
            if of_changes {
                Some(Answer::Changes(changes.next().flatten()))
            } else {
                revisions.next().map(Answer::Revision)
            }
        });
        Ok(answers.collect())
    }
}

impl SharedRevs {
    /// Starts the workers, on the runtime in which this is called. They end when this value is dropped.
    #[must_use]
    pub fn spawn(inner: Arc<dyn RevisionSource>, config: &SharedRevsConfig) -> Self {
        let SharedRevsConfig { workers, overtake, queue, max_batch, patience } = *config;
        Self(Gather::spawn(Revs(inner), &GatherConfig { workers, overtake, queue, max_batch, patience }, figures()))
    }
}

#[async_trait]
impl RevisionSource for SharedRevs {
    async fn revs(&self, mut sessions: Vec<SessionKey>) -> Result<Vec<Option<Revision>>, RepositoryError> {
        if sessions.len() > 1 {
            return try_join_all(sessions.into_iter().map(|session| self.revision(session))).await;
        }
        match sessions.pop() {
            Some(only) => Ok(vec![self.revision(only).await?]),
            None => Ok(Vec::new()),
        }
    }

    async fn news(&self, sessions: Vec<SessionKey>, since: Vec<Since>) -> Result<News, RepositoryError> {
        let changes = try_join_all(since.into_iter().map(|since| self.changes(since)));
        let (revisions, changes) = try_join(self.revs(sessions), changes).await?;
        Ok(News { revisions, changes })
    }
}

impl SharedRevs {
    async fn revision(&self, session: SessionKey) -> Result<Option<Revision>, RepositoryError> {
        match self.0.ask(Question::Revision(session)).await? {
            Answer::Revision(revision) => Ok(revision),
            Answer::Changes(_) => Err(RepositoryError::internal(Mixed)),
        }
    }

    /// Nobody is told of changes where too many wait: those who ask read the page then.
    async fn changes(&self, since: Since) -> Result<Option<Arc<Changes>>, RepositoryError> {
        match self.0.ask_if_room(Question::Changes(since)).await? {
            Some(Answer::Changes(changes)) => Ok(changes),
            None => Ok(None),
            Some(Answer::Revision(_)) => Err(RepositoryError::internal(Mixed)),
        }
    }
}

/// The handles, made once.
fn figures() -> Figures {
    describe_counter!(REFUSALS, "Questions for a revision refused: too many waited, or the store took too long");
    describe_histogram!(BATCH_SIZE, "Questions for a revision that one query answers");
    let refusals = |reason: &'static str| counter!(REFUSALS, "reason" => reason);
    Figures { full: refusals("full"), late: refusals("late"), batch_size: histogram!(BATCH_SIZE) }
}
