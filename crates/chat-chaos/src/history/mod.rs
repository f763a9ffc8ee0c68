//! What clients asked and were told, and whether a store can have been right with it.
//!
//! - `model`: posts, reads, messages, and the clock that orders them.
//! - `record`: where the clients of a load write it down.
//! - `check`: the rules. Pure: a history and what is stored go in, violations come out.

mod check;
mod model;
mod record;
#[cfg(test)]
mod tests;

pub(crate) use check::{PAGE, check};
pub(crate) use model::{Message, Post, Read, Stored, Told};
pub(crate) use record::{Recorder, Tally};
