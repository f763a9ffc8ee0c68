//! Writing a batch, and telling each of its callers what came of it.

use chat_domain::deadline;
use chat_domain::error::RepositoryError;
use chat_domain::id::SessionId;
use chat_domain::message::{MessageRepository, NewMessage};
use tracing::Instrument as _;

use super::figures::Figures;
use super::queue::{Answer, Job};
use super::split::Unknown;
use crate::decorator::guarded::guarded;
use crate::operation::{part, shared};

/// What came of a batch.
pub(super) enum Written {
    /// All callers know.
    Answered,
    /// All callers know that somebody else holds the session, which was the only one.
    Held(SessionId),
    /// Somebody else holds one of the sessions, so nothing was written. No caller knows yet.
    Refused(Vec<Job>),
}

/// Writes jobs that were begun.
pub(super) async fn write(store: &dyn MessageRepository, jobs: Vec<Job>, figures: &Figures) -> Written {
    let jobs = match <[Job; 1]>::try_from(jobs) {
        Ok([job]) => {
            let session = job.session;
            let failed = write_one(store, job, figures).await;
            return if is_busy(failed.as_ref()) { Written::Held(session) } else { Written::Answered };
        }
        Err(jobs) => jobs,
    };
    // Cloned, because a store that refuses the batch does not give the messages back.
    let messages = jobs.iter().flat_map(|job| job.messages.iter().cloned()).collect();
    match append(store, messages, &jobs, figures).await {
        Ok(outcomes) => {
            let mut outcomes = outcomes.into_iter();
            for job in jobs {
                let own = outcomes.by_ref().take(job.messages.len()).collect();
                job.answer(Ok(own));
            }
            Written::Answered
        }
        Err(RepositoryError::Internal(_)) => {
            write_one_by_one(store, jobs, figures).await;
            Written::Answered
        }
        Err(RepositoryError::Busy(source)) => match only_session(&jobs) {
            Some(session) => {
                answer_all(jobs, &RepositoryError::Busy(source));
                Written::Held(session)
            }
            None => Written::Refused(jobs),
        },
        Err(error) => {
            answer_all(jobs, &error);
            Written::Answered
        }
    }
}

/// Cuts jobs into batches of at most so many messages, in order; a caller's own messages are never cut apart.
pub(super) fn batches(jobs: impl Iterator<Item = Job>, max: usize) -> Vec<Vec<Job>> {
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

/// Tells all callers the same.
pub(super) fn answer_all(jobs: impl IntoIterator<Item = Job>, error: &RepositoryError) {
    for job in jobs {
        job.answer(Err(error.clone()));
    }
}

/// After a batch that the store refused as a whole, and wrote nothing of.
async fn write_one_by_one(store: &dyn MessageRepository, jobs: Vec<Job>, figures: &Figures) {
    tracing::warn!(batch.size = jobs.len(), "the store refused a batch; writing it one by one");
    let mut jobs = jobs.into_iter();
    while let Some(job) = jobs.next() {
        let failed = write_one(store, job, figures).await;
        if let Some(RepositoryError::Unavailable(source) | RepositoryError::OutcomeUnknown(source)) = failed {
            // The others would only wait for the same failure, one after another.
            answer_all(jobs.by_ref(), &RepositoryError::Unavailable(source));
        }
    }
}

/// Writes and answers; gives the error back.
async fn write_one(store: &dyn MessageRepository, mut job: Job, figures: &Figures) -> Option<RepositoryError> {
    let messages = std::mem::take(&mut job.messages);
    let outcomes = append(store, messages, std::slice::from_ref(&job), figures).await;
    let error = outcomes.as_ref().err().cloned();
    job.answer(outcomes);
    error
}

/// Ends when the last of the callers can no longer wait. One who cannot wait so long does not take the others along.
async fn append(store: &dyn MessageRepository, messages: Vec<NewMessage>, jobs: &[Job], figures: &Figures) -> Answer {
    let expected = messages.len();
    figures.written(expected);
    let span = shared(jobs.iter().map(|job| &job.span), || part("group_commit.write", Some(expected)));
    let appending = guarded(store.append(messages)).instrument(span);
    let outcomes = match jobs.iter().map(|job| job.times.verdict).max() {
        Some(end) => deadline::until(end.into_std(), appending).await,
        None => appending.await,
    };
    let outcomes = outcomes.map_err(RepositoryError::outcome_unknown)??;
    if outcomes.len() == expected { Ok(outcomes) } else { Err(RepositoryError::outcome_unknown(Unknown::Miscounted)) }
}

fn only_session(jobs: &[Job]) -> Option<SessionId> {
    let (first, rest) = jobs.split_first()?;
    rest.iter().all(|job| job.session == first.session).then_some(first.session)
}

const fn is_busy(error: Option<&RepositoryError>) -> bool {
    matches!(error, Some(RepositoryError::Busy(_)))
}
