//! The three counters of a session: `seq` orders its messages, `rev` counts all changes, `version` its own. And the
//! [`Revision`], which tells two states of a session apart even where a `rev` was given twice.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident, first = $first:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// The first value that is ever given.
            pub const FIRST: Self = Self($first);

            /// Takes a stored or sent number for this counter.
            #[must_use]
            pub const fn new(value: i64) -> Self {
                Self(value)
            }

            /// The bare number.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The value after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// A message's place in its session: 1, 2, 3 … in commit order, without gaps, never reused.
    Seq,
    first = 1
);
counter!(
    /// A session's change counter: each change to it or to anything in it takes the next value. A new session has 1.
    Rev,
    first = 1
);
counter!(
    /// How often a session's own fields have changed, messages aside. A new session has 1.
    Version,
    first = 1
);

/// Which state of a session something was read from: what a cached value hangs on.
///
/// Within one history `rev` alone would do. But a store that lost its last commits (a standby that took over, a backup
/// that was restored) gives the same `rev` again, for another change. Together with the time of the change it is not
/// given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision {
    /// The session's `rev`.
    pub rev: Rev,
    /// When the session took it.
    pub updated_at: Timestamp,
}
