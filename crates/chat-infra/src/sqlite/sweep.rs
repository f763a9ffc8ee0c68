//! Forgetting what is old, some hundred rows a transaction.

use chat_domain::error::RepositoryError;
use chat_domain::timestamp::Timestamp;
use diesel::SqliteConnection;

use super::store::Threads;
use crate::operation::{Observed, Operation};
use crate::sweep::in_pieces;

/// Rows that one transaction forgets at most: other writes get in between.
pub(super) const AT_ONCE: i64 = 500;

/// Forgets some of the oldest rows of before the given time, at most [`AT_ONCE`]; returns how many.
type ForgetSome = fn(&mut SqliteConnection, Timestamp) -> Result<i64, RepositoryError>;

/// Has it done until nothing of that is left; how many there were.
pub(super) async fn forget_before(
    threads: &Observed<Threads>,
    operation: Operation,
    forget_some: ForgetSome,
    time: Timestamp,
) -> Result<u64, RepositoryError> {
    let piece = || async move {
        let forget = move |connection: &mut _| forget_some(connection, time);
        let forgotten = threads.run(operation, |to| to.writer.write(forget)).await?;
        Ok(forgotten.unsigned_abs())
    };
    in_pieces(AT_ONCE.unsigned_abs(), piece).await
}
