//! What a failed statement means: the driver's errors become [`Failure`]s, and those become [`RepositoryError`]s.
//!
//! The driver keeps the SQLSTATE of only a few kinds of errors, so the others are told apart by what the server says,
//! in English. A server that speaks another language needs `ALTER ROLE … SET lc_messages = 'C'`; without that a
//! statement that ran into a limit counts as a fault of ours, which is wrong but safe. What a pooler between says of its
//! way to the server is told apart so, too; poolers have one language.

mod words;

use std::sync::Arc;

use chat_domain::error::{RepositoryError, Source};
use diesel::result::{DatabaseErrorKind, Error};

use self::words::{CUT_OFF, DEADLOCK, ENDING, GIVEN_UP, LOCKED, NOT_PASSED_ON};
use crate::deadline::DeadlinePassed;
use crate::operation::{Classify, Fault};

/// What is lost with the answer to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// Nothing: it only read, or what it wrote waits for a commit.
    Nothing,
    /// Whether it wrote.
    Outcome,
}

/// Why a statement did not do what was asked, before anyone decides whether to try again.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// It would have broken the unique key of this name; nothing was written.
    Conflict {
        /// The name of the index.
        key: String,
        /// What the server said.
        source: Source,
    },
    /// It got into another's way; nothing was written, and another attempt may go through.
    Contention(Source),
    /// The connection was lost before anything could have been written.
    Lost(Source),
    /// All the rest.
    Store(RepositoryError),
}

impl Failure {
    /// Reads an error of the driver.
    pub(super) fn of(error: Error, loss: Loss) -> Self {
        use DatabaseErrorKind::{
            ReadOnlyTransaction, SerializationFailure, UnableToSendCommand, UniqueViolation, Unknown,
        };

        let key = match &error {
            Error::DatabaseError(UniqueViolation, told) => told.constraint_name().map(str::to_owned),
            _ => None,
        };
        if let Some(key) = key {
            return Self::Conflict { key, source: Arc::new(error) };
        }
        match &error {
            Error::DatabaseError(UnableToSendCommand, _) | Error::BrokenTransactionManager => Self::lost(error, loss),
            Error::DatabaseError(Unknown, told) if begins(told.message(), &CUT_OFF) => Self::lost(error, loss),
            Error::DatabaseError(Unknown, told) if begins(told.message(), &NOT_PASSED_ON) => {
                Self::Lost(Arc::new(error))
            }
            Error::DatabaseError(SerializationFailure, _) => Self::Contention(Arc::new(error)),
            Error::DatabaseError(Unknown, told) if told.message().starts_with(DEADLOCK) => {
                Self::Contention(Arc::new(error))
            }
            Error::DatabaseError(ReadOnlyTransaction, _) => Self::Store(RepositoryError::unavailable(error)),
            Error::DatabaseError(Unknown, told) if told.message() == LOCKED => {
                Self::Store(RepositoryError::busy(error))
            }
            Error::DatabaseError(Unknown, told) if begins(told.message(), &GIVEN_UP) => {
                Self::Store(RepositoryError::unavailable(error))
            }
            Error::DeserializationError(_) => Self::Store(RepositoryError::corrupt("row", error)),
            _ => Self::Store(RepositoryError::internal(error)),
        }
    }

    /// The deadline passed while a statement was under way.
    pub(super) fn timed_out(loss: Loss) -> Self {
        Self::Store(match loss {
            Loss::Nothing => RepositoryError::unavailable(DeadlinePassed),
            Loss::Outcome => RepositoryError::outcome_unknown(DeadlinePassed),
        })
    }

    /// Whether nobody else shall have the connection that this was said on: it is about to end, or leads to a server that
    /// takes no writes, which is a standby or a primary that has become one.
    pub(super) fn spoils_connection(error: &Error) -> bool {
        match error {
            Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => true,
            Error::DatabaseError(DatabaseErrorKind::Unknown, told) => {
                [&ENDING[..], &CUT_OFF, &NOT_PASSED_ON].iter().any(|said| begins(told.message(), said))
            }
            _ => false,
        }
    }

    fn lost(error: Error, loss: Loss) -> Self {
        match loss {
            Loss::Nothing => Self::Lost(Arc::new(error)),
            Loss::Outcome => Self::Store(RepositoryError::outcome_unknown(error)),
        }
    }

    /// What it is once there were attempts enough.
    pub(super) fn given_up(self) -> RepositoryError {
        match self {
            Self::Conflict { source, .. } => RepositoryError::Unavailable(source),
            other => other.into(),
        }
    }

    /// Whether a transaction that failed so is worth another attempt.
    pub(super) const fn is_passing(&self) -> bool {
        matches!(self, Self::Contention(_) | Self::Lost(_))
    }

    /// Whether it is the unique key of this name that stands against the statement. A table in partitions has one for
    /// each, called by this name, `_` and something more.
    pub(super) fn is_conflict_on(&self, name: &str) -> bool {
        let is_of_part = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
        matches!(self, Self::Conflict { key, .. } if key == name || is_of_part(key))
    }
}

impl From<Failure> for RepositoryError {
    /// What the failure is once nobody tries again. A key that nobody expected to be taken is a fault of ours.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Conflict { source, .. } => Self::Internal(source),
            Failure::Contention(source) | Failure::Lost(source) => Self::Unavailable(source),
            Failure::Store(error) => error,
        }
    }
}

impl Classify for Failure {
    /// That of the error which it becomes where nobody tries again; a conflict is no fault of ours until then.
    fn fault(&self) -> Fault {
        match self {
            Self::Conflict { .. } | Self::Contention(_) => Fault::Busy,
            Self::Lost(_) => Fault::Unavailable,
            Self::Store(error) => error.fault(),
        }
    }
}

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        Self::Store(error)
    }
}

fn begins(message: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| message.starts_with(beginning))
}

#[cfg(test)]
mod tests;
