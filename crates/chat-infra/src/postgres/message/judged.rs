//! Appending messages that are judged one by one, in one statement: those of which the audit keeps something, and those
//! that a plain append cannot tell apart from what speaks against their neighbours.

use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, ParticipantId};
use chat_domain::message::NewMessage;
use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid};
use diesel::{IntoSql as _, Queryable};

use super::plain::Stored;
use crate::postgres::audit::record;
use crate::postgres::error::{Failure, Loss};
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::statement::{Statement, each, place};
use crate::postgres::time::to_pg;

pub(in crate::postgres) const JUDGED: &str = include_str!("judged.sql");

/// The index whose violation says that another batch stored the key while this one waited.
const KEY_INDEX: &str = "messages_by_idempotency_scope";

type VerdictColumns =
    (BigInt, Bool, BigInt, BigInt, Nullable<Uuid>, Nullable<Bool>, Nullable<BigInt>, Nullable<Timestamptz>);

/// What the statement says of one message whose session is there.
#[derive(Debug, Clone, Queryable)]
pub(super) struct Verdict {
    /// Its place in the batch, from 1.
    pub(super) ord: i64,
    /// Whether it was stored, as this `seq` and `rev`.
    pub(super) stored: bool,
    pub(super) seq: i64,
    /// Where nothing of its session was stored, the session's present `rev`.
    pub(super) rev: i64,
    /// The message that its key led to before, and whether that was the same command.
    pub(super) known_id: Option<uuid::Uuid>,
    pub(super) known_same: Option<bool>,
    /// The place of the message before it in the batch that has its key and was stored.
    pub(super) twin: Option<i64>,
    /// When its session had changed last before, where that is known.
    pub(super) found: Option<PgTimestamp>,
}

impl Verdict {
    /// Of a message that a plain append has stored.
    pub(super) fn plain(stored: Stored) -> Self {
        let Stored { place, seq, rev, found } = stored;
        Self { stored: true, seq, found: Some(found), ..Self::ended(place, rev) }
    }

    /// Of a message at this place of the batch whose session has ended at this `rev`.
    pub(super) fn ended(place: usize, rev: i64) -> Self {
        Self { ord: 0, stored: false, seq: 0, rev, known_id: None, known_same: None, twin: None, found: None }.at(place)
    }

    /// The same of a message at this place of the batch, which has no twin.
    pub(super) fn at(self, place: usize) -> Self {
        let ord = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(1);
        Self { ord, ..self }
    }

    /// Whether nothing speaks for the message: its session has ended.
    pub(super) const fn is_refusal(&self) -> bool {
        !self.stored && self.known_id.is_none() && self.twin.is_none()
    }
}

/// The statement spoke of a message that is not there: a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("the answer to an append names no message of its batch")]
pub(super) struct Puzzling;

/// Whether another attempt may come through: a key was stored by another batch while this one waited, or it has waited in
/// a circle.
pub(super) fn again(failure: &Failure) -> bool {
    failure.is_conflict_on(KEY_INDEX) || matches!(failure, Failure::Contention(_))
}

/// Runs the statement that judges each message, until no other batch stores one of the keys meanwhile.
pub(super) async fn store_judged(pool: &PgPool, batch: &[NewMessage]) -> Result<Vec<Option<Verdict>>, RepositoryError> {
    let found = if batch.iter().any(|new| new.audit.is_some()) {
        pool.attempt(again, |lease| store_with_audit(lease, batch)).await?
    } else {
        pool.attempt(again, |mut lease| async move { append_in(&mut lease, batch, Loss::Outcome).await }).await?
    };
    let mut verdicts = vec![None; batch.len()];
    for verdict in found {
        fill(&mut verdicts, verdict).map_err(RepositoryError::outcome_unknown)?;
    }
    Ok(verdicts)
}

/// Puts the verdict at its place.
pub(super) fn fill(verdicts: &mut [Option<Verdict>], verdict: Verdict) -> Result<(), RepositoryError> {
    let place = place(verdict.ord).and_then(|place| verdicts.get_mut(place));
    *place.ok_or_else(|| RepositoryError::internal(Puzzling))? = Some(verdict);
    Ok(())
}

async fn append_in(lease: &mut Lease, batch: &[NewMessage], loss: Loss) -> Result<Vec<Verdict>, Failure> {
    lease.load("append messages", statement(batch), loss).await
}

/// Messages and the entries of the audit that came with them, in a transaction. It waits for nobody once it has the locks
/// of its sessions, so that it counts as an append and not as a transaction.
async fn store_with_audit(mut lease: Lease, batch: &[NewMessage]) -> Result<Vec<Verdict>, Failure> {
    lease.begin().await?;
    let stored = store_and_record(&mut lease, batch).await;
    lease.end(stored).await
}

/// Stores messages and what the audit keeps of them, within a transaction.
pub(super) async fn store_and_record(lease: &mut Lease, batch: &[NewMessage]) -> Result<Vec<Verdict>, Failure> {
    let verdicts = append_in(lease, batch, Loss::Nothing).await?;
    let stored = verdicts.iter().filter(|verdict| verdict.stored);
    let entries: Vec<_> = stored.filter_map(|verdict| batch.get(place(verdict.ord)?)?.audit.as_deref()).collect();
    if !entries.is_empty() {
        record(lease, &entries).await?;
    }
    Ok(verdicts)
}

fn statement(batch: &[NewMessage]) -> Statement<VerdictColumns, impl QueryFragment<Pg> + Send> {
    let values = (
        each(batch, |new| new.tenant_id.as_str()).into_sql::<Array<Text>>(),
        each(batch, |new| new.session_id.as_uuid()).into_sql::<Array<Uuid>>(),
        each(batch, |new| new.id.as_uuid()).into_sql::<Array<Uuid>>(),
        each(batch, |new| new.sender.sender_type.as_str()).into_sql::<Array<Text>>(),
        each(batch, |new| new.sender.id.as_str()).into_sql::<Array<Text>>(),
        each(batch, |new| new.content.as_str()).into_sql::<Array<Text>>(),
        each(batch, |new| new.message_type.as_str()).into_sql::<Array<Text>>(),
        each(batch, |new| new.metadata.as_str()).into_sql::<Array<Text>>(),
        each(batch, |new| new.reply_to.map(MessageId::as_uuid)).into_sql::<Array<Nullable<Uuid>>>(),
        each(batch, |new| new.visibility.as_str()).into_sql::<Array<Text>>(),
        each(batch, |new| to_pg(new.created_at)).into_sql::<Array<Timestamptz>>(),
        each(batch, |new| new.confined_to.as_ref().map(ParticipantId::as_str)).into_sql::<Array<Nullable<Text>>>(),
        each(batch, |new| new.idempotency.as_ref().map(|key| key.scope.as_bytes().as_slice()))
            .into_sql::<Array<Nullable<Binary>>>(),
        each(batch, |new| new.idempotency.as_ref().map(|key| key.command.as_bytes().as_slice()))
            .into_sql::<Array<Nullable<Binary>>>(),
    );
    Statement::new(JUDGED, values)
}
