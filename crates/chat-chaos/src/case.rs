//! A case: one fault, on one kind of store.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use crate::failure::Outcome;
use crate::stage::Stage;

/// Where the service keeps what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// A file of one node.
    Sqlite,
    /// A server that nodes share.
    Postgres,
}

/// How thoroughly a case is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A few rounds, with the patience of a busy machine: for every change.
    Short,
    /// All rounds, and all times as they are promised: by hand, on a machine that does nothing else.
    Long,
}

/// What a case comes to, in time.
pub(crate) type Play<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// One fault on one kind of store.
#[derive(Clone, Copy)]
pub struct Case {
    /// The name of its file.
    pub name: &'static str,
    /// Under which store.
    pub store: Store,
    /// What goes wrong, in words.
    pub fault: &'static str,
    /// What is promised then.
    pub expected: &'static str,
    pub(crate) play: for<'a> fn(&'a mut Stage) -> Play<'a>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.name, self.store)
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

impl Store {
    /// As it stands in the table of cases, and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl Form {
    /// How often something is done in this form.
    pub(crate) const fn times(self, long: usize, short: usize) -> usize {
        match self {
            Self::Long => long,
            Self::Short => short,
        }
    }

    /// Any answer is there within this time. Where a case has set a deadline, that is the promise, and a moment for the
    /// machine is added; else it is 9 s.
    pub(crate) fn answered_within(self, deadline: Option<Duration>) -> Duration {
        match (self, deadline) {
            (Self::Long, Some(deadline)) => deadline + Duration::from_secs(1),
            (Self::Short, Some(deadline)) => deadline + Duration::from_secs(5),
            (Self::Long, None) => Duration::from_secs(9),
            (Self::Short, None) => Duration::from_secs(18),
        }
    }

    /// The service is back within this time once a fault is over. 5 s is the promise.
    pub(crate) const fn back_within(self) -> Duration {
        match self {
            Self::Long => Duration::from_secs(5),
            Self::Short => Duration::from_secs(30),
        }
    }

    /// The health page is there within this time. 2 s is the promise.
    pub(crate) const fn health_within(self) -> Duration {
        match self {
            Self::Long => Duration::from_secs(2),
            Self::Short => Duration::from_secs(10),
        }
    }
}
