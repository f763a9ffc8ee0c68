//! Why a case could not be played to its end.

use std::error::Error;
use std::io;

/// Something that a case needs did not happen. A broken promise that leaves the case playable is written down on the
/// [stage](crate::stage::Stage) instead.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The system refused something: a process, a file, a socket.
    #[error("{what}")]
    Io {
        /// What was asked of it.
        what: String,
        /// What it said.
        source: io::Error,
    },
    /// The suite's own connection to PostgreSQL.
    #[error("the suite's own statement failed")]
    Postgres(#[from] tokio_postgres::Error),
    /// The suite's own connection to the SQLite file.
    #[error("the suite's own connection to the file failed")]
    Sqlite(#[from] rusqlite::Error),
    /// Something was awaited for longer than anyone would wait.
    #[error("waited in vain for {0}")]
    InVain(String),
    /// Anything else, in one sentence.
    #[error("{0}")]
    Other(String),
}

/// What a step of a case comes to.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(crate) fn other(what: impl Into<String>) -> Self {
        Self::Other(what.into())
    }

    /// The error and what lies behind it, on one line.
    pub(crate) fn chain(&self) -> String {
        let causes = std::iter::successors(Some(self as &(dyn Error + 'static)), |error| (*error).source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}
