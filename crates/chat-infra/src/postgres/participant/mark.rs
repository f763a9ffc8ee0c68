//! Taking a receipt, in one statement; one that brings a key of idempotency needs a transaction.

use chat_domain::error::RepositoryError;
use chat_domain::id::ParticipantId;
use chat_domain::participant::{MarkOutcome, Participant, Receipt, ReceiptKind};
use chat_domain::revision::{Rev, Seq};
use chat_domain::session::SessionKey;
use diesel::IntoSql as _;
use diesel::data_types::PgTimestamp;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid};
use diesel::{QueryDsl as _, Queryable};

use crate::postgres::error::{Failure, Loss};
use crate::postgres::idempotency::{KEY_INDEX, Known, known, remember};
use crate::postgres::lease::Lease;
use crate::postgres::pool::PgPool;
use crate::postgres::row::{Broken, parsed};
use crate::postgres::schema::sessions;
use crate::postgres::statement::Statement;
use crate::postgres::time::{from_pg, to_pg};

pub(in crate::postgres) const MARK: &str = include_str!("mark.sql");

/// So often a receipt is looked at that moves nothing, until the participant is seen as it is.
const LOOKS: usize = 4;

/// The participant is seen to be behind the receipt, and is not moved by it.
#[derive(Debug, thiserror::Error)]
#[error("a participant is not as it is told to be")]
struct Unsettled;

/// Takes the receipt.
pub(super) async fn mark(
    pool: &PgPool,
    session: &SessionKey,
    receipt: &Receipt,
) -> Result<MarkOutcome, RepositoryError> {
    if receipt.idempotency.is_some() {
        // A key that another receipt stores meanwhile is known on the next attempt.
        let again = |failure: &Failure| failure.is_conflict_on(KEY_INDEX) || failure.is_passing();
        let work = |mut lease: Lease| async move {
            lease.begin().await?;
            let marked = mark_once(&mut lease, session, receipt).await;
            lease.end(marked).await
        };
        return pool.transact(again, work).await;
    }
    let work = |mut lease: Lease| async move { settled(&mut lease, session, receipt, Loss::Outcome).await };
    pool.attempt(Failure::is_passing, work).await
}

/// The same, unless its key was used before.
async fn mark_once(lease: &mut Lease, session: &SessionKey, receipt: &Receipt) -> Result<MarkOutcome, Failure> {
    // Held from here on, so that two of one key come one after the other.
    let lock = sessions::table.find((session.tenant_id.as_str(), session.id.as_uuid()));
    let users: Vec<String> =
        lease.load("lock session", lock.select(sessions::user_id).for_no_key_update(), Loss::Nothing).await?;
    let may_see = |user: &String| receipt.confined_to.as_ref().is_none_or(|only| only.as_str() == user);
    if !users.first().is_some_and(may_see) {
        return Ok(MarkOutcome::SessionMissing);
    }
    match known(lease, &session.tenant_id, receipt.idempotency.as_ref()).await? {
        Known::Same(_) => {
            // Nothing lies behind the beginning: it moves nothing, and shows what there is.
            let nothing = Receipt { seq: Seq::new(0), ..receipt.clone() };
            return Ok(match settled(lease, session, &nothing, Loss::Nothing).await? {
                MarkOutcome::Unmoved(participant) => MarkOutcome::Replayed(participant),
                other => other,
            });
        }
        Known::Other => return Ok(MarkOutcome::KeyReused),
        Known::No => {}
    }
    let outcome = settled(lease, session, receipt, Loss::Nothing).await?;
    if let Some(key) = &receipt.idempotency {
        remember(lease, &session.tenant_id, key, session.id.as_uuid(), receipt.at).await?;
    }
    Ok(outcome)
}

/// Where nothing was moved, the participant may have been seen as it was before another receipt that was waited for: then
/// one looks again.
async fn settled(
    lease: &mut Lease,
    session: &SessionKey,
    receipt: &Receipt,
    loss: Loss,
) -> Result<MarkOutcome, Failure> {
    for _ in 0..LOOKS {
        let rows: Vec<Marked> = lease.load("mark", statement(session, receipt), loss).await?;
        let Some(marked) = rows.into_iter().next() else { return Ok(MarkOutcome::SessionMissing) };
        let (moved, wanted) = (marked.moved, Seq::new(marked.seq));
        let participant = marked.participant(session, receipt)?;
        if moved {
            return Ok(MarkOutcome::Moved(participant));
        }
        let reached = match receipt.kind {
            ReceiptKind::Read => participant.read_seq,
            ReceiptKind::Delivered => participant.delivered_seq,
        };
        if reached >= wanted {
            return Ok(MarkOutcome::Unmoved(participant));
        }
    }
    Err(RepositoryError::internal(Unsettled).into())
}

/// A row of the answer.
#[derive(Debug, Queryable)]
struct Marked {
    moved: bool,
    seq: i64,
    created_at: PgTimestamp,
    read_seq: Option<i64>,
    delivered_seq: Option<i64>,
    visibility: Option<String>,
    rev: Option<i64>,
    updated_at: Option<PgTimestamp>,
}

type MarkedColumns = (
    Bool,
    BigInt,
    Timestamptz,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<Timestamptz>,
);

impl Marked {
    /// The participant; one of whom nothing has come yet where there is none.
    fn participant(self, session: &SessionKey, receipt: &Receipt) -> Result<Participant, RepositoryError> {
        self.read(session, receipt).map_err(|broken| broken.in_a("participant"))
    }

    fn read(self, session: &SessionKey, receipt: &Receipt) -> Result<Participant, Broken> {
        let silent = Participant::silent(session.id, &receipt.reader, from_pg(self.created_at)?);
        let (Some(read_seq), Some(delivered_seq), Some(visibility), Some(rev), Some(updated_at)) =
            (self.read_seq, self.delivered_seq, self.visibility, self.rev, self.updated_at)
        else {
            return Ok(silent);
        };
        Ok(Participant {
            read_seq: Seq::new(read_seq),
            delivered_seq: Seq::new(delivered_seq),
            visibility: parsed("visibility", &visibility)?,
            rev: Rev::new(rev),
            updated_at: from_pg(updated_at)?,
            ..silent
        })
    }
}

fn statement<'q>(
    session: &'q SessionKey,
    receipt: &'q Receipt,
) -> Statement<MarkedColumns, impl QueryFragment<Pg> + Send + use<'q>> {
    let values = (
        session.tenant_id.as_str().into_sql::<Text>(),
        session.id.as_uuid().into_sql::<Uuid>(),
        receipt.reader.role.as_str().into_sql::<Text>(),
        receipt.reader.id.as_str().into_sql::<Text>(),
        receipt.seq.get().into_sql::<BigInt>(),
        (receipt.kind == ReceiptKind::Read).into_sql::<Bool>(),
        to_pg(receipt.at).into_sql::<Timestamptz>(),
        receipt.confined_to.as_ref().map(ParticipantId::as_str).into_sql::<Nullable<Text>>(),
    );
    Statement::new(MARK, values)
}
