//! What SQLite's failures mean to a caller.
//!
//! Diesel hands over the kinds of broken constraints; of every other failure only SQLite's own words reach us, which
//! its documentation keeps stable enough to be told apart by. Words that are not known count as our own fault.

use std::sync::Arc;

use chat_domain::error::RepositoryError;
use diesel::result::Error;

use super::value::Unreadable;

/// Nothing was done, and later it may work: locks, a full or failing disk, missing rights.
const PASSING: [&str; 13] = [
    "database is locked",
    "database table is locked",
    "database schema is locked",
    "database schema has changed",
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
    "unable to open database file",
    "locking protocol",
    "out of memory",
    "interrupted",
    "access permission denied",
    "query aborted",
];

/// The file itself is damaged.
const DAMAGED: [&str; 3] = ["database disk image is malformed", "malformed database schema", "file is not a database"];

/// What an I/O error is called; where it strikes a commit, nobody knows what reached the disk.
const IO_ERROR: &str = "disk I/O error";

/// The failure of a statement that is not a commit: whatever it had written is rolled back.
pub(super) fn failed(error: Error) -> RepositoryError {
    read_failed("row", error)
}

/// The failure of a statement that reads rows of the named kind.
pub(super) fn read_failed(what: &'static str, error: Error) -> RepositoryError {
    let message = match &error {
        Error::DeserializationError(_) => return RepositoryError::corrupt(what, error),
        Error::DatabaseError(_, information) => information.message(),
        _ => return RepositoryError::internal(error),
    };
    if says(message, &PASSING) {
        RepositoryError::unavailable(error)
    } else if says(message, &DAMAGED) {
        RepositoryError::corrupt("database", error)
    } else {
        RepositoryError::internal(error)
    }
}

/// The failure of a commit.
pub(super) fn commit_failed(error: Error) -> RepositoryError {
    match &error {
        Error::DatabaseError(_, information) if says(information.message(), &[IO_ERROR]) => {
            RepositoryError::outcome_unknown(error)
        }
        _ => failed(error),
    }
}

/// A row of the named kind breaks the domain's rules.
pub(super) fn unreadable(what: &'static str) -> impl Fn(Unreadable) -> RepositoryError {
    move |source| RepositoryError::Corrupt(what, Arc::from(source))
}

fn says(message: &str, known: &[&str]) -> bool {
    known.iter().any(|known| message.starts_with(known))
}

#[cfg(test)]
mod tests {
    use diesel::result::DatabaseErrorKind;

    use super::*;

    fn error(kind: DatabaseErrorKind, message: &str) -> Error {
        Error::DatabaseError(kind, Box::new(message.to_owned()))
    }

    #[test]
    fn what_may_pass_is_unavailable_and_what_we_did_wrong_is_internal() {
        // What SQLite calls PERM, ABORT, BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL, SCHEMA.
        for told in [
            "access permission denied",
            "query aborted",
            "database is locked",
            "database table is locked: sessions",
            "out of memory",
            "attempt to write a readonly database",
            "interrupted",
            "disk I/O error",
            "database or disk is full",
            "unable to open database file",
            "locking protocol",
            "database schema has changed",
        ] {
            let answer = failed(error(DatabaseErrorKind::Unknown, told));
            assert!(matches!(answer, RepositoryError::Unavailable(_)), "{told}");
        }
        let unique = failed(error(DatabaseErrorKind::UniqueViolation, "UNIQUE constraint failed: messages.id"));
        assert!(matches!(unique, RepositoryError::Internal(_)));
        let unknown = failed(error(DatabaseErrorKind::Unknown, "no such table: x"));
        assert!(matches!(unknown, RepositoryError::Internal(_)));
    }

    #[test]
    fn damage_is_corrupt_whether_of_the_file_or_of_a_row() {
        let file = failed(error(DatabaseErrorKind::Unknown, "database disk image is malformed"));
        assert!(matches!(file, RepositoryError::Corrupt("database", _)));
        let row = read_failed("message", Error::DeserializationError("no UUID".into()));
        assert!(matches!(row, RepositoryError::Corrupt("message", _)));
    }

    #[test]
    fn only_a_commit_can_end_unknown() {
        let io = || error(DatabaseErrorKind::Unknown, "disk I/O error");
        assert!(matches!(failed(io()), RepositoryError::Unavailable(_)));
        assert!(matches!(commit_failed(io()), RepositoryError::OutcomeUnknown(_)));
        let full = commit_failed(error(DatabaseErrorKind::Unknown, "database or disk is full"));
        assert!(matches!(full, RepositoryError::Unavailable(_)));
    }
}
