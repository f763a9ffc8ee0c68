//! What is wrong with an input: every fault at once, each with its place and a stable code.

use std::fmt;

/// Why one value is refused, without saying where it stood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Rejection {
    /// Stable and machine-readable, such as `too_long`.
    pub code: &'static str,
    /// A clause for people, to follow the name of the value: "must not be empty".
    pub detail: String,
}

impl Rejection {
    /// Pairs a stable code with a clause for people.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// The part of the request in which a fault lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The JSON body; the pointer is an RFC 6901 pointer into it.
    Body,
    /// A query parameter; the pointer is `/` and its name.
    Query,
    /// A path parameter; the pointer is `/` and its name.
    Path,
    /// A header; the pointer is `/` and its name in lower case.
    Header,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "body",
            Self::Query => "query",
            Self::Path => "path",
            Self::Header => "header",
        })
    }
}

/// One refused value and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The part of the request.
    pub place: Place,
    /// Where in that part: `/sender_type`, `/metadata/a/0`.
    pub pointer: String,
    /// Why.
    pub rejection: Rejection,
}

/// All faults of one input, in the order in which they were found. Never more than [`Faults::MAX`].
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{} value(s) refused", .0.len())]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// An answer lists this many faults at most, however many a hostile body has.
    pub const MAX: usize = 64;

    /// No fault yet.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// A single fault in the body.
    #[must_use]
    pub fn body(pointer: &str, rejection: Rejection) -> Self {
        let mut faults = Self::none();
        faults.add(Place::Body, pointer, rejection);
        faults
    }

    /// Notes one fault. A second one at the same pointer is dropped: the first says enough.
    pub fn add(&mut self, place: Place, pointer: impl Into<String>, rejection: Rejection) {
        let pointer = pointer.into();
        if self.0.len() < Self::MAX && !self.has(place, &pointer) {
            self.0.push(Fault { place, pointer, rejection });
        }
    }

    /// Takes a value that passed, or notes why it did not.
    pub fn take<T>(&mut self, place: Place, pointer: &str, value: Result<T, Rejection>) -> Option<T> {
        value.map_err(|rejection| self.add(place, pointer, rejection)).ok()
    }

    /// Whether a fault is already known at this pointer.
    #[must_use]
    pub fn has(&self, place: Place, pointer: &str) -> bool {
        self.0.iter().any(|fault| fault.place == place && fault.pointer == pointer)
    }

    /// Adds the faults of another check.
    pub fn extend(&mut self, other: Self) {
        for fault in other.0 {
            self.add(fault.place, fault.pointer, fault.rejection);
        }
    }

    /// Whether nothing was refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults, in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }

    /// The value that was made of the parts that passed. It is `None` only where one of them was noted as a fault.
    ///
    /// # Errors
    /// The faults themselves.
    pub(crate) fn settle<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ => Err(self),
        }
    }

    /// `Ok` where nothing was refused.
    ///
    /// # Errors
    /// The faults themselves.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_at_a_pointer_wins_and_the_list_is_bounded() {
        let mut faults = Faults::none();
        faults.add(Place::Body, "/a", Rejection::new("first", "x"));
        faults.add(Place::Body, "/a", Rejection::new("second", "x"));
        faults.add(Place::Query, "/a", Rejection::new("third", "x"));
        assert_eq!(faults.iter().map(|f| f.rejection.code).collect::<Vec<_>>(), ["first", "third"]);
        for n in 0..1000 {
            faults.add(Place::Body, format!("/{n}"), Rejection::new("many", "x"));
        }
        assert_eq!(faults.iter().count(), Faults::MAX);
    }
}
