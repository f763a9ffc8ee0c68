//! Optimistic concurrency: what a caller believes about a thing that it wants to change.

use crate::revision::{Rev, Version};

/// One state of a thing that a caller would accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The `rev` of the representation that the caller saw.
    Rev(Rev),
    /// The version of a session's own fields, whatever its messages did meanwhile.
    Version(Version),
    /// Something that this service never handed out; it matches nothing.
    Unknown,
}

/// Whether a change depends on the state of the thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Change whatever is there.
    #[default]
    None,
    /// Change only where one of these holds.
    OneOf(Vec<Expected>),
}

impl Precondition {
    /// Whether a thing with this `rev`, and this `version` where it has one, may be changed.
    #[must_use]
    pub fn holds(&self, rev: Rev, version: Option<Version>) -> bool {
        match self {
            Self::None => true,
            Self::OneOf(expected) => expected.iter().any(|expected| match *expected {
                Expected::Rev(wanted) => wanted == rev,
                Expected::Version(wanted) => Some(wanted) == version,
                Expected::Unknown => false,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_one_of_the_expected_states_is_enough() {
        let precondition = Precondition::OneOf(vec![Expected::Unknown, Expected::Rev(Rev::new(7))]);
        assert!(precondition.holds(Rev::new(7), None));
        assert!(!precondition.holds(Rev::new(8), Some(Version::new(7))));
        assert!(Precondition::None.holds(Rev::new(8), None));
        assert!(!Precondition::OneOf(vec![Expected::Unknown]).holds(Rev::new(1), Some(Version::new(1))));
    }

    #[test]
    fn a_version_asks_for_the_sessions_own_fields_alone() {
        let precondition = Precondition::OneOf(vec![Expected::Version(Version::new(3))]);
        assert!(precondition.holds(Rev::new(99), Some(Version::new(3))));
        assert!(!precondition.holds(Rev::new(3), None));
    }
}
