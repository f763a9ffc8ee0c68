//! Rows become entities; a row that breaks the model's rules is named, not guessed at.

use std::str::FromStr;

use chat_domain::error::RepositoryError;
use chat_domain::metadata::Metadata;

/// The part of a row that could not be read. Never holds the value: it may be what somebody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the row holds no valid {0}")]
pub(super) struct Broken(pub(super) &'static str);

impl Broken {
    /// A row of the named kind is corrupt.
    pub(super) fn in_a(self, what: &'static str) -> RepositoryError {
        RepositoryError::corrupt(what, self)
    }
}

/// Parses the named column.
pub(super) fn parsed<T: FromStr>(column: &'static str, text: &str) -> Result<T, Broken> {
    text.parse().map_err(|_| Broken(column))
}

/// Reads a column of JSON.
pub(super) fn json(column: &'static str, text: String) -> Result<Metadata, Broken> {
    Metadata::from_stored(text).map_err(|_| Broken(column))
}
