//! The task that writes for many callers.

use std::sync::Arc;
use std::time::Duration;

use chat_domain::error::RepositoryError;
use chat_domain::message::{MessageRepository, NewMessage};
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::GroupCommitConfig;
use super::apart;
use super::queue::{Answer, Job, NotTaken, count, refuse};
use super::split::Unknown;
use crate::decorator::guarded::guarded;

/// So many sessions are written at once after a batch that met a session which somebody else holds.
const SESSIONS_AT_ONCE: usize = 4;

/// Writes what lies in one queue, until the queue is closed and empty.
pub(super) struct Writer {
    inner: Arc<dyn MessageRepository>,
    queue: mpsc::Receiver<Job>,
    max_batch: usize,
    max_wait: Duration,
}

impl Writer {
    pub(super) fn new(
        inner: Arc<dyn MessageRepository>,
        queue: mpsc::Receiver<Job>,
        config: &GroupCommitConfig,
    ) -> Self {
        Self { inner, queue, max_batch: config.max_batch.max(1), max_wait: config.max_wait }
    }

    pub(super) async fn run(mut self) {
        let mut taken = Vec::new();
        loop {
            let jobs = self.queue.recv_many(&mut taken, self.max_batch).await;
            if jobs == 0 {
                return;
            }
            metrics::gauge!("chat_append_queue_depth").decrement(count(jobs));
            for batch in batches(taken.drain(..), self.max_batch) {
                self.write(batch).await;
            }
        }
    }

    async fn write(&self, batch: Vec<Job>) {
        let Some((error, jobs)) = self.write_together(batch).await else { return };
        match error {
            RepositoryError::Internal(_) => self.write_one_by_one(jobs).await,
            RepositoryError::Busy(_) => match apart::by_session(jobs) {
                sessions if sessions.len() > 1 => self.write_by_session(sessions).await,
                session => answer_all(session.into_iter().flatten(), &error),
            },
            error => answer_all(jobs, &error),
        }
    }

    /// Writes and answers what is not late; gives the error and the jobs back where several were not written.
    async fn write_together(&self, batch: Vec<Job>) -> Option<(RepositoryError, Vec<Job>)> {
        let jobs = self.in_time(batch);
        let jobs = match <[Job; 1]>::try_from(jobs) {
            Ok([job]) => {
                self.write_one(job).await;
                return None;
            }
            Err(jobs) if jobs.is_empty() => return None,
            Err(jobs) => jobs,
        };
        // Cloned, because a store that refuses the batch does not give the messages back.
        let messages = jobs.iter().flat_map(|job| job.messages.iter().cloned()).collect();
        match self.append(messages).await {
            Ok(outcomes) => {
                let mut outcomes = outcomes.into_iter();
                for job in jobs {
                    let own = outcomes.by_ref().take(job.messages.len()).collect();
                    answer(job, Ok(own));
                }
                None
            }
            Err(error) => Some((error, jobs)),
        }
    }

    /// Refuses what waited too long, and gives the rest.
    fn in_time(&self, batch: Vec<Job>) -> Vec<Job> {
        let (late, jobs): (Vec<_>, Vec<_>) = batch.into_iter().partition(|job| job.queued_at.elapsed() > self.max_wait);
        for job in late {
            answer(job, Err(refuse("late", NotTaken::Late)));
        }
        jobs
    }

    /// After a batch of which the store wrote nothing, because somebody else holds one of its sessions. A few at once,
    /// because the one that is held may make its writer wait.
    async fn write_by_session(&self, sessions: Vec<Vec<Job>>) {
        tracing::debug!(sessions = sessions.len(), "a session is held by somebody else; writing each by itself");
        let writes = stream::iter(sessions).map(|jobs| async {
            let Some((error, jobs)) = self.write_together(jobs).await else { return };
            match error {
                RepositoryError::Internal(_) => self.write_one_by_one(jobs).await,
                error => answer_all(jobs, &error),
            }
        });
        writes.buffer_unordered(SESSIONS_AT_ONCE).collect::<()>().await;
    }

    /// After a batch that the store refused as a whole, and wrote nothing of.
    async fn write_one_by_one(&self, jobs: Vec<Job>) {
        tracing::warn!(batch.size = jobs.len(), "the store refused a batch; writing it one by one");
        let mut jobs = jobs.into_iter();
        while let Some(job) = jobs.next() {
            let failed = self.write_one(job).await;
            if let Some(RepositoryError::Unavailable(source) | RepositoryError::OutcomeUnknown(source)) = failed {
                // The others would only wait for the same failure, one after another.
                answer_all(jobs.by_ref(), &RepositoryError::Unavailable(source));
            }
        }
    }

    /// Writes and answers; gives the error back.
    async fn write_one(&self, mut job: Job) -> Option<RepositoryError> {
        let outcomes = self.append(std::mem::take(&mut job.messages)).await;
        let error = outcomes.as_ref().err().cloned();
        answer(job, outcomes);
        error
    }

    async fn append(&self, messages: Vec<NewMessage>) -> Answer {
        let expected = messages.len();
        metrics::histogram!("chat_append_batch_size").record(count(expected));
        let outcomes = guarded(self.inner.append(messages)).await.map_err(RepositoryError::outcome_unknown)??;
        if outcomes.len() == expected {
            Ok(outcomes)
        } else {
            Err(RepositoryError::outcome_unknown(Unknown::Miscounted))
        }
    }
}

/// Cuts what was taken into batches of at most so many messages, in order; a caller's own messages are never cut apart.
fn batches(jobs: impl Iterator<Item = Job>, max: usize) -> Vec<Vec<Job>> {
    let mut batches: Vec<Vec<Job>> = Vec::new();
    let mut room = 0;
    for job in jobs {
        let size = job.messages.len();
        match batches.last_mut() {
            Some(batch) if size <= room => {
                room -= size;
                batch.push(job);
            }
            _ => {
                room = max.saturating_sub(size);
                batches.push(vec![job]);
            }
        }
    }
    batches
}

fn answer_all(jobs: impl IntoIterator<Item = Job>, error: &RepositoryError) {
    for job in jobs {
        answer(job, Err(error.clone()));
    }
}

fn answer(job: Job, answer: Answer) {
    // Whoever hung up does not want to know; what was sent is stored all the same.
    let _ = job.reply.send(answer);
}
