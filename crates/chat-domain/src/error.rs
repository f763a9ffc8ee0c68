//! How a store can fail. Business refusals are outcomes of the ports, never errors.

use std::error::Error;
use std::sync::Arc;

/// What lies behind a failure; shared, because one failed batch answers many callers.
pub type Source = Arc<dyn Error + Send + Sync + 'static>;

/// A store did not do what was asked, through no fault of the request.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RepositoryError {
    /// Nothing was written; a retry is safe.
    #[error("store unavailable")]
    Unavailable(#[source] Source),
    /// What must be locked is held by somebody else, and nothing was written; a retry is safe. Others' things, asked for
    /// in the same call, may be free.
    #[error("held by another writer")]
    Busy(#[source] Source),
    /// The write may or may not have happened; retry only with the same idempotency key.
    #[error("write outcome unknown")]
    OutcomeUnknown(#[source] Source),
    /// A stored row breaks the model's rules.
    #[error("stored {0} cannot be read back")]
    Corrupt(&'static str, #[source] Source),
    /// The store refused the statement: a fault of ours, never retried.
    #[error("store rejected the statement")]
    Internal(#[source] Source),
}

impl RepositoryError {
    /// The store could not be reached or is too busy, and nothing was written.
    pub fn unavailable(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Arc::new(source))
    }

    /// What must be locked is held by somebody else, and nothing was written.
    pub fn busy(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Busy(Arc::new(source))
    }

    /// The answer to a write was lost.
    pub fn outcome_unknown(source: impl Error + Send + Sync + 'static) -> Self {
        Self::OutcomeUnknown(Arc::new(source))
    }

    /// A row of the named kind could not be turned into its entity.
    pub fn corrupt(what: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Corrupt(what, Arc::new(source))
    }

    /// The statement itself was at fault.
    pub fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(source))
    }
}

/// The longest that is told of one error, in characters.
const LONGEST_TOLD: usize = 300;

/// An error and all that lies behind it, outermost first, on one line and without control characters, for the log.
///
/// Of each only the first line is told, and not more than 300 characters: in further lines databases quote the row that
/// they did not like, and no log shall have what somebody said.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut told = String::new();
    for error in std::iter::successors(Some(error), |error| (*error).source()) {
        let text = first_line(error);
        // Some errors say themselves what lies behind them.
        if told.ends_with(&text) {
            continue;
        }
        if !told.is_empty() {
            told.push_str(": ");
        }
        told.push_str(&text);
    }
    told
}

fn first_line(error: &dyn Error) -> String {
    let text = error.to_string();
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    line.chars().take(LONGEST_TOLD).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Told {
        text: String,
        source: Option<Box<Told>>,
    }

    fn told(texts: &[&str]) -> String {
        let wrap = |source, text: &&str| Some(Box::new(Told { text: (*text).to_owned(), source }));
        chain(&*texts.iter().rev().fold(None, wrap).unwrap())
    }

    #[test]
    fn a_chain_is_told_from_the_outside_in() {
        assert_eq!(told(&["a", "b", "c"]), "a: b: c");
        assert_eq!(told(&["a: b", "b", "c"]), "a: b: c", "what was told already is not told again");
        assert_eq!(told(&["", ""]), "");
    }

    #[test]
    fn what_a_database_adds_in_further_lines_is_not_told() {
        let text =
            told(&["db error", "ERROR: not so\nDETAIL: Failing row contains (hunter2).", "\u{1b}[31mred\rhunter2"]);
        assert_eq!(text, "db error: ERROR: not so:  [31mred");
        assert_eq!(told(&[&"x".repeat(1_000)]).len(), 300);
    }
}
