//! What the server, and a pooler between, say of a statement or a connection that fails, as far as the driver does not
//! tell it otherwise.

/// How the server begins what it says when it gives up a statement for want of time or room, or because its disk fails.
/// It says so only of what it has rolled back. A commit is not among what fails so: where its record cannot be written,
/// the server ends itself, and the connection is lost.
pub(super) const GIVEN_UP: [&str; 17] = [
    "canceling statement due to",
    "terminating connection",
    "the database system is",
    "out of memory",
    "out of shared memory",
    "temporary file size exceeds",
    "could not extend file",
    "could not write to file",
    "could not write block",
    "could not read block",
    "could not read from file",
    "could not create file",
    "could not create temporary file",
    "could not open file",
    "could not fsync file",
    "could not truncate file",
    "could not resize shared memory segment",
];

/// How a pooler between (`PgBouncer`) begins what it says, with a code of class 08, when in the middle of something it has
/// lost the server, or patience with it. It does not know what became of the statement.
pub(super) const CUT_OFF: [&str; 9] = [
    "server conn crashed",
    "server connection closed",
    "query timeout",
    "transaction timeout",
    "idle transaction timeout",
    "unclean server",
    "database removed",
    "suspend_timeout",
    "admin forced disconnect",
];

/// The same, when it had no server to give the statement to: nobody has begun it.
pub(super) const NOT_PASSED_ON: [&str; 6] = [
    "server login",
    "server shutting down",
    "pgbouncer cannot connect",
    "query_wait_timeout",
    "query_timeout",
    "client_idle_timeout",
];

/// How the server begins what it says at the end of a connection.
pub(super) const ENDING: [&str; 2] = ["terminating connection", "the database system is"];

pub(super) const DEADLOCK: &str = "deadlock detected";

/// What the server says when somebody else held a lock for too long.
pub(super) const LOCKED: &str = "canceling statement due to lock timeout";
