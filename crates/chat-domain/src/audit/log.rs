//! The log's side of the audit.

use super::model::Thing;
use crate::access::{Action, Caller};

/// How a deed came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// The rule book forbade it, and nothing was done.
    Denied,
}

impl Outcome {
    /// The name in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Denied => "denied",
        }
    }
}

/// Who did, or tried to do, what to which thing.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// Who.
    pub caller: &'a Caller,
    /// What.
    pub action: Action,
    /// To which thing.
    pub thing: &'a Thing,
    /// How it came out.
    pub outcome: Outcome,
}

/// Tells those who watch over the service of each deed, as it happens.
pub trait AuditLog: Send + Sync + 'static {
    /// Tells of one, without waiting.
    fn tell(&self, deed: &Deed<'_>);
}
