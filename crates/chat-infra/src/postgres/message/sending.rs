//! Appending a batch of which some is sent with attachments: in a transaction, with all that is beside it.

use chat_domain::error::RepositoryError;
use chat_domain::id::AttachmentId;
use chat_domain::message::{AppendOutcome, NewMessage};

use super::append::answers;
use super::judged::{Verdict, again, fill, store_and_record};
use crate::postgres::attachment::send::{lock, send};
use crate::postgres::error::Failure;
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::statement::place;

/// A verdict for each message whose session is there, and for each the attachment that it cannot have.
type Judged = (Vec<Option<Verdict>>, Vec<Option<AttachmentId>>);

/// Whether this way is for the batch.
pub(super) fn sends(batch: &[NewMessage]) -> bool {
    batch.iter().any(|new| !new.enclosures.is_empty())
}

/// Appends the batch; one outcome for each message, in order.
pub(super) async fn append_sending(pool: &PgPool, batch: &[NewMessage]) -> Result<Vec<AppendOutcome>, RepositoryError> {
    let (mut verdicts, taken) = pool.attempt(again, |lease| store(lease, batch)).await?;
    let anything_stored = verdicts.iter().flatten().any(|verdict| verdict.stored);
    let outcomes = answers(pool, batch, &mut verdicts).await;
    // A message whose neighbour could not be read has been stored all the same.
    let outcomes =
        outcomes.map_err(|error| if anything_stored { RepositoryError::outcome_unknown(error) } else { error });
    let told = outcomes?.into_iter().zip(taken).map(|(outcome, taken)| match (outcome, taken) {
        (AppendOutcome::SessionEnded { .. }, Some(id)) => AppendOutcome::AttachmentTaken(id),
        (outcome, _) => outcome,
    });
    Ok(told.collect())
}

/// It waits for nobody but the sessions and attachments of the batch, so that it counts as an append and not as a
/// transaction.
async fn store(mut lease: Lease, batch: &[NewMessage]) -> Result<Judged, Failure> {
    lease.begin().await?;
    let stored = store_in(&mut lease, batch).await;
    lease.end(stored).await
}

/// What cannot have its attachments is not judged with the others. It is refused as if its session had ended, so that its
/// key is looked for: it may be a repeat of what they were sent with.
async fn store_in(lease: &mut Lease, batch: &[NewMessage]) -> Result<Judged, Failure> {
    let taken = lock(lease, batch).await?;
    let (mut fitting, mut places, mut verdicts) = (Vec::new(), Vec::new(), vec![None; batch.len()]);
    for ((place, new), taken) in batch.iter().enumerate().zip(&taken) {
        if taken.is_some() {
            fill(&mut verdicts, Verdict::ended(place, 0))?;
        } else {
            fitting.push(new.clone());
            places.push(place);
        }
    }
    if fitting.is_empty() {
        return Ok((verdicts, taken));
    }
    let judged = store_and_record(lease, &fitting).await?;
    let stored = judged.iter().filter(|verdict| verdict.stored);
    send(lease, stored.filter_map(|verdict| fitting.get(place(verdict.ord)?))).await?;
    for verdict in judged {
        let twin = verdict.twin.and_then(|twin| places.get(place(twin)?)).map(|twin| Verdict::ended(*twin, 0).ord);
        let Some(place) = place(verdict.ord).and_then(|place| places.get(place)) else { continue };
        fill(&mut verdicts, Verdict { twin, ..verdict.at(*place) })?;
    }
    Ok((verdicts, taken))
}
