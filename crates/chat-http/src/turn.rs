//! Turns at what takes much memory for a moment: a list that may be very long is read, printed and kept in its turn.
//!
//! While that goes on the list is there several times, as rows, as values and as text, and counts nowhere: two hundred
//! clients that ask at once would have as many such lists in memory, though nearly all would be refused in the end.

use std::time::Instant;

use chat_domain::deadline;
use chat_domain::query::DEFAULT_LIMIT;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout_at;

/// So many at once, on one node.
const AT_ONCE: usize = 2;

/// The turns of a node, in the order in which they are asked for.
#[derive(Debug)]
pub(crate) struct Turns(Semaphore);

/// A turn, for as long as it lives.
pub(crate) type Turn<'a> = SemaphorePermit<'a>;

/// No turn came while there was time.
#[derive(Debug, thiserror::Error)]
#[error("too many long lists are being read")]
pub(crate) struct NoTurn;

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl Turns {
    /// Waits for a turn, for as long as the request may wait for stores.
    ///
    /// # Errors
    /// Where none came in that time.
    pub(crate) async fn next(&self) -> Result<Turn<'_>, NoTurn> {
        let turn = match deadline::end(Instant::now()) {
            Some(end) => timeout_at(end.into(), self.0.acquire()).await.map_err(|_| NoTurn)?,
            None => self.0.acquire().await,
        };
        turn.map_err(|_| NoTurn)
    }
}

/// Whether a list of so many entries needs a turn. That of a client that has not said how many never does.
pub(crate) fn may_be_very_long(limit: Option<&str>) -> bool {
    limit.is_some_and(|limit| limit.parse().is_ok_and(|limit: u16| limit > DEFAULT_LIMIT))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lists_of_more_than_a_hundred_may_be_very_long() {
        for (limit, long) in
            [(None, false), (Some("1"), false), (Some("100"), false), (Some("101"), true), (Some("0999"), true)]
        {
            assert_eq!(may_be_very_long(limit), long, "{limit:?}");
        }
    }

    #[tokio::test]
    async fn whoever_has_no_turn_in_time_is_refused_and_others_have_theirs_later() {
        let turns = Turns::default();
        let (_one, other) = (turns.next().await.unwrap(), turns.next().await.unwrap());
        assert!(deadline::bounded(Duration::from_millis(20), turns.next()).await.is_err());
        drop(other);
        assert!(deadline::bounded(Duration::from_mins(1), turns.next()).await.is_ok());
    }
}
