//! The state machine of a session.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::Rejection;
use crate::timestamp::Timestamp;

/// The name of a state, as clients send and see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// In a queue, without an agent yet.
    Waiting,
    /// Under way.
    Active,
    /// Handed over, not yet accepted.
    Transferred,
    /// Over, for good.
    Ended,
}

impl SessionStatus {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Active, Self::Transferred, Self::Ended];

    /// The name on the wire and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Transferred => "transferred",
            Self::Ended => "ended",
        }
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SessionStatus {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        let names = "must be one of waiting, active, transferred, ended";
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Rejection::new("invalid_value", names))
    }
}

/// Where a session stands, with what belongs to that state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum SessionState {
    /// In a queue.
    Waiting,
    /// Under way.
    Active,
    /// Handed over, not yet accepted.
    Transferred,
    /// Over.
    Ended {
        /// When; set once.
        at: Timestamp,
    },
}

/// A move that the state machine does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session cannot go from {from} to {to}")]
pub struct InvalidTransition {
    /// The state that stands.
    pub from: SessionStatus,
    /// The state that was asked for.
    pub to: SessionStatus,
}

impl SessionState {
    /// Puts a stored status and end together; `None` where they contradict each other.
    #[must_use]
    pub const fn from_stored(status: SessionStatus, ended_at: Option<Timestamp>) -> Option<Self> {
        match (status, ended_at) {
            (SessionStatus::Waiting, None) => Some(Self::Waiting),
            (SessionStatus::Active, None) => Some(Self::Active),
            (SessionStatus::Transferred, None) => Some(Self::Transferred),
            (SessionStatus::Ended, Some(at)) => Some(Self::Ended { at }),
            (SessionStatus::Ended, None) | (_, Some(_)) => None,
        }
    }

    /// The state's name.
    #[must_use]
    pub const fn status(self) -> SessionStatus {
        match self {
            Self::Waiting => SessionStatus::Waiting,
            Self::Active => SessionStatus::Active,
            Self::Transferred => SessionStatus::Transferred,
            Self::Ended { .. } => SessionStatus::Ended,
        }
    }

    /// When the session ended, where it has.
    #[must_use]
    pub const fn ended_at(self) -> Option<Timestamp> {
        match self {
            Self::Ended { at } => Some(at),
            Self::Waiting | Self::Active | Self::Transferred => None,
        }
    }

    /// Moves on. A move to the state that stands changes nothing, so an end keeps its first time.
    ///
    /// # Errors
    /// Where the state machine knows no such move.
    pub fn move_to(self, to: SessionStatus, now: Timestamp) -> Result<Self, InvalidTransition> {
        use SessionStatus::{Active, Ended, Transferred, Waiting};

        let from = self.status();
        match (from, to) {
            _ if from == to => Ok(self),
            (Waiting | Active | Transferred, Ended) => Ok(Self::Ended { at: now }),
            (Waiting | Transferred, Active) => Ok(Self::Active),
            (Active | Transferred, Waiting) => Ok(Self::Waiting),
            (Active, Transferred) => Ok(Self::Transferred),
            _ => Err(InvalidTransition { from, to }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SessionStatus::{Active, Ended, Transferred, Waiting};
    use super::*;

    const MOVES: [(SessionStatus, SessionStatus); 8] = [
        (Waiting, Active),
        (Active, Waiting),
        (Active, Transferred),
        (Transferred, Active),
        (Transferred, Waiting),
        (Waiting, Ended),
        (Active, Ended),
        (Transferred, Ended),
    ];

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    fn state(status: SessionStatus) -> SessionState {
        SessionState::from_stored(status, (status == Ended).then(|| at(1))).unwrap()
    }

    #[test]
    fn exactly_the_known_moves_are_possible() {
        for from in SessionStatus::ALL {
            for to in SessionStatus::ALL {
                let moved = state(from).move_to(to, at(2));
                if from == to {
                    assert_eq!(moved, Ok(state(from)));
                } else if MOVES.contains(&(from, to)) {
                    assert_eq!(moved.unwrap().status(), to);
                } else {
                    assert_eq!(moved, Err(InvalidTransition { from, to }));
                }
            }
        }
    }

    #[test]
    fn the_end_is_stamped_once() {
        let ended = SessionState::Active.move_to(Ended, at(5)).unwrap();
        assert_eq!(ended.move_to(Ended, at(9)).unwrap().ended_at(), Some(at(5)));
    }

    #[test]
    fn a_stored_contradiction_is_seen() {
        assert_eq!(SessionState::from_stored(Ended, None), None);
        assert_eq!(SessionState::from_stored(Active, Some(at(1))), None);
    }
}
