//! A batch of one caller, split by session and joined again.

use chat_domain::error::RepositoryError;
use chat_domain::id::SessionId;
use chat_domain::message::{AppendOutcome, NewMessage};

use super::figures::Figures;
use super::queue::{Answer, Pending};

/// What of a batch goes to one session, in the order of the batch.
pub(super) struct Part {
    /// The writer of the session.
    pub(super) shard: usize,
    pub(super) session: SessionId,
    pub(super) places: Vec<usize>,
    pub(super) messages: Vec<NewMessage>,
}

/// Why a caller cannot be told what became of its messages.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Unknown {
    #[error("the writer was stopped")]
    NoAnswer,
    #[error("the store had not answered by the deadline")]
    Late,
    #[error("the store gave another number of outcomes than messages")]
    Miscounted,
    #[error("only a part of the batch was written")]
    Partly(#[source] RepositoryError),
}

/// The writer of a session. The last bits of a `UUIDv7` are random, so sessions spread evenly.
fn shard(session: SessionId, shards: usize) -> usize {
    let shards = u128::try_from(shards.max(1)).unwrap_or(1);
    usize::try_from(session.as_uuid().as_u128() % shards).unwrap_or(0)
}

/// One part for each session of the batch.
pub(super) fn split(batch: Vec<NewMessage>, shards: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::with_capacity(1);
    for (place, message) in batch.into_iter().enumerate() {
        let session = message.session_id;
        if let Some(part) = parts.iter_mut().find(|part| part.session == session) {
            part.places.push(place);
            part.messages.push(message);
        } else {
            let shard = shard(session, shards);
            parts.push(Part { shard, session, places: vec![place], messages: vec![message] });
        }
    }
    parts
}

/// Waits for all parts, and puts the outcomes where their messages stood.
pub(super) async fn join(mut parts: Vec<Pending>, figures: &Figures) -> Answer {
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return only.answered(figures).await;
    }
    let mut written = Vec::new();
    let mut failure: Option<RepositoryError> = None;
    for mut part in parts {
        let places = std::mem::take(&mut part.places);
        match part.answered(figures).await {
            Ok(outcomes) => written.extend(places.into_iter().zip(outcomes)),
            Err(error) if matches!(failure, Some(RepositoryError::OutcomeUnknown(_))) => drop(error),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if written.is_empty() || matches!(error, RepositoryError::OutcomeUnknown(_)) => Err(error),
        Some(error) => Err(RepositoryError::outcome_unknown(Unknown::Partly(error))),
        None => Ok(in_order(written)),
    }
}

fn in_order(mut written: Vec<(usize, AppendOutcome)>) -> Vec<AppendOutcome> {
    written.sort_unstable_by_key(|(place, _)| *place);
    written.into_iter().map(|(_, outcome)| outcome).collect()
}
