//! What clients asked and were told, and whether a store can have been right with it.
//!
//! - `model`: posts, reads, messages, and the clock that orders them.
//! - `record`: where the clients of a load write it down.
//! - `check`: the rules of messages, `deletion`: those of deletions. Pure: a history and what is stored go in, violations
//!   come out.

mod check;
mod deletion;
mod model;
mod record;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub(crate) use check::{PAGE, Violation};
pub(crate) use model::{Deletion, Gone, Message, Post, Read, Stored, Told};
pub(crate) use record::{Recorder, Tally};

/// All violations. `stored` is what was read after the last request had ended, tombstones included.
pub(crate) fn violations(
    posts: &[Post],
    deletions: &[Deletion],
    reads: &[Read],
    stored: &HashMap<String, Stored>,
) -> Vec<Violation> {
    let (mut found, reads, stored) = deletion::undeleted(deletions, reads, stored);
    found.extend(check::check(posts, &reads, &stored));
    found
}
