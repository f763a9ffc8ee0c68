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

use crate::operation::{Classify, Fault};

use crate::deadline::DeadlinePassed;
use words::{CUT_OFF, DEADLOCK, ENDING, GIVEN_UP, LOCKED, NOT_PASSED_ON};

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
mod tests {
    use super::*;

    struct Told(&'static str);

    impl diesel::result::DatabaseErrorInformation for Told {
        fn message(&self) -> &str {
            self.0
        }
        fn details(&self) -> Option<&str> {
            None
        }
        fn hint(&self) -> Option<&str> {
            None
        }
        fn table_name(&self) -> Option<&str> {
            None
        }
        fn column_name(&self) -> Option<&str> {
            None
        }
        fn constraint_name(&self) -> Option<&str> {
            Some("some_key")
        }
        fn statement_position(&self) -> Option<i32> {
            None
        }
    }

    /// What PostgreSQL 15 says with the codes of classes 53 (it lacks something), 57 (somebody intervenes) and 58 (its
    /// machine fails), as far as a statement can meet them.
    const WANTS_AND_FAILURES: [&str; 20] = [
        "could not extend file \"base/1/2\": No space left on device",
        "could not extend file \"base/1/2\": wrote only 4096 of 8192 bytes at block 7",
        "could not write to file \"base/pgsql_tmp/pgsql_tmp1.0\": No space left on device",
        "could not create file \"base/1/2\": No space left on device",
        "could not create temporary file \"base/pgsql_tmp/pgsql_tmp1.0\": No space left on device",
        "could not resize shared memory segment \"/PostgreSQL.1\" to 4096 bytes: No space left on device",
        "out of memory",
        "out of shared memory",
        "temporary file size exceeds temp_file_limit (1kB)",
        "canceling statement due to statement timeout",
        "canceling statement due to user request",
        "canceling statement due to conflict with recovery",
        "terminating connection due to administrator command",
        "terminating connection because of crash of another server process",
        "terminating connection due to idle-in-transaction timeout",
        "the database system is shutting down",
        "the database system is in recovery mode",
        "could not read block 7 in file \"base/1/2\": Input/output error",
        "could not write block 7 in file \"base/1/2\": Input/output error",
        "could not fsync file \"base/1/2\": Input/output error",
    ];

    fn failure(kind: DatabaseErrorKind, message: &'static str, loss: Loss) -> Failure {
        Failure::of(Error::DatabaseError(kind, Box::new(Told(message))), loss)
    }

    fn answer(kind: DatabaseErrorKind, message: &'static str, loss: Loss) -> RepositoryError {
        failure(kind, message, loss).into()
    }

    #[test]
    fn a_lost_connection_leaves_a_write_unknown_and_a_read_undone() {
        let kind = || DatabaseErrorKind::UnableToSendCommand;
        assert!(matches!(answer(kind(), "connection closed", Loss::Outcome), RepositoryError::OutcomeUnknown(_)));
        assert!(matches!(answer(kind(), "connection closed", Loss::Nothing), RepositoryError::Unavailable(_)));
    }

    #[test]
    fn what_a_pooler_cuts_off_is_as_a_lost_connection() {
        let said = [
            "server conn crashed?",
            "server connection closed",
            "query timeout",
            "idle transaction timeout",
            "transaction timeout",
            "database removed",
            "suspend_timeout",
            "admin forced disconnect",
        ];
        for message in said {
            let answer = |loss| answer(DatabaseErrorKind::Unknown, message, loss);
            assert!(matches!(answer(Loss::Outcome), RepositoryError::OutcomeUnknown(_)), "{message}");
            assert!(matches!(answer(Loss::Nothing), RepositoryError::Unavailable(_)), "{message}");
            assert!(failure(DatabaseErrorKind::Unknown, message, Loss::Nothing).is_passing(), "{message}");
        }
    }

    #[test]
    fn what_a_pooler_has_no_server_for_was_not_written() {
        let said = [
            "server login failed: FATAL the database system is starting up",
            "server login has been failing, try again later (server_login_retry)",
            "server login has been failing, cached error: connect failed (server_login_retry)",
            "server shutting down",
            "pgbouncer cannot connect to server",
            "query_wait_timeout",
            "query_timeout",
            "client_idle_timeout",
        ];
        for message in said {
            for loss in [Loss::Outcome, Loss::Nothing] {
                let failure = failure(DatabaseErrorKind::Unknown, message, loss);
                assert!(failure.is_passing(), "{message}");
                assert!(matches!(failure.into(), RepositoryError::Unavailable(_)), "{message}");
            }
        }
    }

    #[test]
    fn what_the_server_gave_up_was_not_written() {
        for message in WANTS_AND_FAILURES {
            let answer = answer(DatabaseErrorKind::Unknown, message, Loss::Outcome);
            assert!(matches!(answer, RepositoryError::Unavailable(_)), "{message}");
        }
        let locked = answer(DatabaseErrorKind::Unknown, LOCKED, Loss::Outcome);
        assert!(matches!(locked, RepositoryError::Busy(_)));
        let read_only = answer(DatabaseErrorKind::ReadOnlyTransaction, "…", Loss::Outcome);
        assert!(matches!(read_only, RepositoryError::Unavailable(_)));
    }

    #[test]
    fn nobody_gets_a_connection_that_is_about_to_end() {
        let spoils = |kind, message| Failure::spoils_connection(&Error::DatabaseError(kind, Box::new(Told(message))));
        for message in [
            "terminating connection due to administrator command",
            "the database system is shutting down",
            "server connection closed",
            "query_wait_timeout",
        ] {
            assert!(spoils(DatabaseErrorKind::Unknown, message), "{message}");
        }
        assert!(spoils(DatabaseErrorKind::ReadOnlyTransaction, "cannot execute INSERT in a read-only transaction"));
        assert!(!spoils(DatabaseErrorKind::Unknown, LOCKED));
        assert!(!spoils(DatabaseErrorKind::UniqueViolation, "…"));
    }

    #[test]
    fn a_deadlock_is_worth_another_attempt_and_a_conflict_names_its_key() {
        let deadlock = failure(DatabaseErrorKind::Unknown, "deadlock detected", Loss::Outcome);
        assert!(matches!(deadlock, Failure::Contention(_)));
        let conflict = failure(DatabaseErrorKind::UniqueViolation, "…", Loss::Outcome);
        assert!(conflict.is_conflict_on("some_key"));
        assert!(conflict.is_conflict_on("some"), "`some_key` may be the key of a partition");
        assert!(!conflict.is_conflict_on("so") && !conflict.is_conflict_on("some_key_p0"));
    }

    #[test]
    fn a_statement_that_the_server_does_not_understand_is_our_fault() {
        let answer = answer(DatabaseErrorKind::Unknown, "column \"x\" does not exist", Loss::Nothing);
        assert!(matches!(answer, RepositoryError::Internal(_)));
    }
}
