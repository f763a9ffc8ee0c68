//! What servers and poolers are known to say, and what becomes of it.

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
