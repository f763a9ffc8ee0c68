//! Forgetting what is old, some thousand rows a statement.

use chat_domain::error::RepositoryError;
use chat_domain::timestamp::Timestamp;
use diesel::IntoSql as _;
use diesel::sql_types::{BigInt, Timestamptz};

use super::error::{Failure, Loss};
use super::lease::Lease;
use super::pool::PgPool;
use super::statement::Statement;
use super::time::to_pg;
use crate::operation::{Observed, Operation};
use crate::sweep::in_pieces;

/// How many rows one statement forgets at most, so that each stays well within the deadline.
const AT_ONCE: i64 = 2_000;

/// Runs a statement that forgets what is older than `$1`, at most `$2` rows of it, until nothing of that is left; how many
/// there were. It has a name for traces.
pub(super) async fn forget_before(
    pool: &Observed<PgPool>,
    operation: Operation,
    (name, sql): (&'static str, &'static str),
    time: Timestamp,
) -> Result<u64, RepositoryError> {
    // To forget a row twice does no harm, so that a lost answer is worth another attempt.
    let forget = |mut lease: Lease| async move {
        let values = (to_pg(time).into_sql::<Timestamptz>(), AT_ONCE.into_sql::<BigInt>());
        lease.execute(name, Statement::<(), _>::new(sql, values), Loss::Nothing).await.map(|rows| rows as u64)
    };
    let piece = || pool.run(operation, |pool| pool.attempt(Failure::is_passing, forget));
    in_pieces(AT_ONCE.unsigned_abs(), piece).await
}
