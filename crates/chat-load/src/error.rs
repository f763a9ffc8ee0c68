//! What stops a run.

use std::io;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The system refused something: a connection, a file, a process.
    #[error("{what}")]
    Io {
        /// What was asked of it.
        what: String,
        /// What it said.
        source: io::Error,
    },
    /// The server sent something else than an HTTP/1.1 answer with a length.
    #[error("the answer cannot be read: {0}")]
    Answer(&'static str),
    /// The file of the one-by-one yardstick refused a statement.
    #[error("the SQLite yardstick failed")]
    Sqlite(#[from] rusqlite::Error),
    /// Anything else, in one sentence.
    #[error("{0}")]
    Failed(String),
}

impl LoadError {
    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::Failed(what.into())
    }
}
