//! Appending: a batch in one statement, one round trip, whatever the batch holds, unless the audit has to keep some of it
//! or something speaks against one of its messages.

use std::collections::HashMap;

use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::message::{AppendOutcome, Message, NewMessage};
use chat_domain::revision::{Rev, Seq};

use super::judged::{Puzzling, Verdict, again, fill, store_judged};
use super::late_key;
use super::plain::{Groups, Placed, Taken};
use super::read::{BY_IDS, MixedRow, assemble, by_ids};
use super::refusing::{Found, refusing, refusing_in};
use super::sending::{append_sending, sends};
use crate::postgres::error::{Failure, Loss};
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::statement::place;
use crate::postgres::time::from_pg;

/// Appends the batch; one outcome for each message, in order.
pub(super) async fn append(pool: &PgPool, batch: &[NewMessage]) -> Result<Vec<AppendOutcome>, RepositoryError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    if sends(batch) {
        return Box::pin(pool.together(append_sending(pool, batch))).await;
    }
    let stored_and_read = async {
        let mut verdicts = store(pool, batch).await?;
        let anything_stored = verdicts.iter().flatten().any(|verdict| verdict.stored);
        let outcomes = answers(pool, batch, &mut verdicts).await;
        // A message whose neighbour could not be read has been stored all the same.
        outcomes.map_err(|error| if anything_stored { RepositoryError::outcome_unknown(error) } else { error })
    };
    pool.together(stored_and_read).await
}

/// What the verdicts mean, with all that has to be read for it.
pub(super) async fn answers(
    pool: &PgPool,
    batch: &[NewMessage],
    verdicts: &mut [Option<Verdict>],
) -> Result<Vec<AppendOutcome>, RepositoryError> {
    look_again(pool, batch, verdicts).await?;
    let replayed = replayed(pool, batch, verdicts).await?;
    outcomes(batch, verdicts, &replayed)
}

/// A session may have ended while the statement waited for its row, and a key may have been stored before it ended: the
/// statement sees the end and not the key. Whatever was stored in a session that has ended is seen by a statement that
/// begins now.
async fn look_again(
    pool: &PgPool,
    batch: &[NewMessage],
    verdicts: &mut [Option<Verdict>],
) -> Result<(), RepositoryError> {
    let refused = batch.iter().zip(&*verdicts).filter_map(|(new, verdict)| {
        let verdict = verdict.as_ref().filter(|verdict| verdict.is_refusal())?;
        Some((verdict.ord, new))
    });
    let known = late_key::known(pool, &refused.collect::<Vec<_>>()).await?;
    for verdict in verdicts.iter_mut().flatten() {
        if let Some(known) = known.get(&verdict.ord) {
            verdict.known_id = Some(known.id);
            verdict.known_same = Some(known.same);
        }
    }
    Ok(())
}

/// What became of a batch against which nothing seemed to speak.
struct Took<'b> {
    taken: Vec<Taken>,
    untaken: Vec<Placed<'b>>,
    /// What the sessions of those look like; nothing where that is still to be asked.
    found: Option<Vec<Found>>,
}

/// A verdict for each message whose session is there, at its place.
async fn store(pool: &PgPool, batch: &[NewMessage]) -> Result<Vec<Option<Verdict>>, RepositoryError> {
    let Some(groups) = Groups::of(batch) else { return store_judged(pool, batch).await };
    let took = pool.attempt(again, |lease| take(lease, &groups)).await?;
    if took.taken.is_empty() {
        return store_judged(pool, batch).await;
    }
    let verdicts: Result<_, RepositoryError> = async {
        let stored = groups.stored(&took.taken).ok_or_else(|| RepositoryError::internal(Puzzling))?;
        let mut verdicts = vec![None; batch.len()];
        for stored in stored {
            fill(&mut verdicts, Verdict::plain(stored))?;
        }
        for verdict in judge_untaken(pool, took).await? {
            fill(&mut verdicts, verdict)?;
        }
        Ok(verdicts)
    }
    .await;
    // By now some have been stored.
    verdicts.map_err(RepositoryError::outcome_unknown)
}

/// Stores what nothing speaks against, and looks why some was not taken: by the same connection, since whoever waits for
/// another may wait in vain, and what has been stored must not become unknown by that.
async fn take<'b>(mut lease: Lease, groups: &Groups<'b>) -> Result<Took<'b>, Failure> {
    let taken: Vec<Taken> = lease.load("append messages", groups.statement(), Loss::Outcome).await?;
    if taken.is_empty() {
        return Ok(Took { taken, untaken: Vec::new(), found: None });
    }
    let untaken = groups.untaken(&taken);
    let found = if untaken.is_empty() { Some(Vec::new()) } else { refusing_in(&mut lease, &untaken).await.ok() };
    Ok(Took { taken, untaken, found })
}

/// A session that has ended refuses. One that has not is there for some of its messages: they were not taken only for
/// others beside them, or it came to be a moment ago. Those are judged one by one.
async fn judge_untaken(pool: &PgPool, took: Took<'_>) -> Result<Vec<Verdict>, RepositoryError> {
    let Took { untaken, found, .. } = took;
    let found = match found {
        Some(found) => found,
        None => refusing(pool, &untaken).await?,
    };
    let (mut verdicts, mut live) = (Vec::new(), Vec::new());
    for found in found {
        let Placed { place, new } = found.of(&untaken).ok_or_else(|| RepositoryError::internal(Puzzling))?;
        if found.has_ended {
            verdicts.push(Verdict::ended(place, found.rev));
        } else {
            live.push((place, new));
        }
    }
    if live.is_empty() {
        return Ok(verdicts);
    }
    // The rows come in no particular order.
    live.sort_unstable_by_key(|(place, _)| *place);
    let batch: Vec<_> = live.iter().map(|(_, new)| (*new).clone()).collect();
    let judged = store_judged(pool, &batch).await?;
    let judged = live.iter().zip(judged).filter_map(|((place, _), verdict)| Some(verdict?.at(*place)));
    verdicts.extend(judged);
    Ok(verdicts)
}

/// The messages that repeated keys led to before, as they are now.
async fn replayed(
    pool: &PgPool,
    batch: &[NewMessage],
    verdicts: &[Option<Verdict>],
) -> Result<HashMap<(TenantId, MessageId), Message>, RepositoryError> {
    let mut wanted: HashMap<&TenantId, Vec<uuid::Uuid>> = HashMap::new();
    for (new, verdict) in batch.iter().zip(verdicts) {
        if let Some(Verdict { known_id: Some(id), known_same: Some(true), .. }) = verdict {
            wanted.entry(&new.tenant_id).or_default().push(*id);
        }
    }
    let mut found = HashMap::new();
    for (tenant, ids) in wanted {
        let rows: Vec<MixedRow> = pool.read(BY_IDS, || by_ids(vec![tenant.as_str(); ids.len()], ids.clone())).await?;
        let (_, messages) = assemble(tenant, rows)?;
        found.extend(messages.into_iter().map(|message| ((tenant.clone(), message.id), message)));
    }
    Ok(found)
}

fn outcomes(
    batch: &[NewMessage],
    verdicts: &[Option<Verdict>],
    replayed: &HashMap<(TenantId, MessageId), Message>,
) -> Result<Vec<AppendOutcome>, RepositoryError> {
    let judged = batch.iter().zip(verdicts).map(|(new, verdict)| match verdict {
        None => Some(AppendOutcome::SessionMissing),
        Some(Verdict { known_id: Some(id), known_same: Some(true), .. }) => {
            let known = replayed.get(&(new.tenant_id.clone(), MessageId::new(*id)));
            known.cloned().map(AppendOutcome::Replayed)
        }
        Some(Verdict { known_id: Some(_), .. }) => Some(AppendOutcome::KeyReused),
        Some(Verdict { twin: Some(twin), .. }) => {
            let twin = place(*twin)?;
            let (first, verdict) = (batch.get(twin)?, verdicts.get(twin)?.as_ref()?);
            if first.idempotency.map(|key| key.command) == new.idempotency.map(|key| key.command) {
                Some(AppendOutcome::Replayed(placed(first, verdict)))
            } else {
                Some(AppendOutcome::KeyReused)
            }
        }
        Some(verdict) if verdict.stored => {
            let found = verdict.found.and_then(|found| from_pg(found).ok());
            Some(AppendOutcome::Stored { message: placed(new, verdict), found })
        }
        Some(verdict) => Some(AppendOutcome::SessionEnded { rev: Rev::new(verdict.rev) }),
    });
    judged.collect::<Option<_>>().ok_or_else(|| RepositoryError::internal(Puzzling))
}

fn placed(new: &NewMessage, verdict: &Verdict) -> Message {
    new.to_message(Seq::new(verdict.seq), Rev::new(verdict.rev))
}
