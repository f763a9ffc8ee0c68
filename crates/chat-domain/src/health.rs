//! The health port: whether something that the service leans on is there, and what its clock says.
//!
//! Times of sessions and messages come from the clocks of the nodes. They order nothing (`seq` and `rev` do), but people
//! read them, and idempotency keys are forgotten by them. So a node whose clock is far from the database's, which all
//! nodes share, must not serve.

use async_trait::async_trait;

use crate::error::RepositoryError;
use crate::timestamp::Timestamp;

/// Asks a store or a cache whether it is there. The caller bounds the wait.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// One real round trip to what is probed.
    ///
    /// # Errors
    /// Where it does not answer as it should.
    async fn check(&self) -> Result<Pulse, RepositoryError>;
}

/// What something that is there says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Its clock, read between the question and the answer; `None` where it has none that nodes share.
    pub clock: Option<Timestamp>,
}

/// How far this node's clock is ahead of another, in microseconds; negative where it is behind. A skew that may be none is
/// none: the time that the question took says how exactly it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockSkew(i64);

impl ClockSkew {
    /// A node whose clock is further from the database's, in seconds, must not serve.
    pub const LIMIT_SECONDS: u32 = 30;

    /// From this node's clock before the question and after the answer, and the other clock in between.
    #[must_use]
    pub fn between(asked: Timestamp, theirs: Timestamp, answered: Timestamp) -> Self {
        let (first, last) = (asked.min(answered).as_micros(), asked.max(answered).as_micros());
        let theirs = theirs.as_micros();
        Self(theirs.clamp(first, last) - theirs)
    }

    /// In seconds.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        std::time::Duration::from_micros(self.0.unsigned_abs()).as_secs_f64().copysign(if self.0 < 0 {
            -1.0
        } else {
            1.0
        })
    }

    /// Whether the node may serve.
    #[must_use]
    pub const fn is_tolerable(self) -> bool {
        self.0.unsigned_abs() <= Self::LIMIT_SECONDS as u64 * 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).unwrap().plus_seconds(seconds)
    }

    #[test]
    fn a_clock_within_the_time_of_the_question_may_be_right() {
        for theirs in [10, 11, 12] {
            assert_eq!(ClockSkew::between(at(10), at(theirs), at(12)), ClockSkew(0));
        }
        // A clock that is set back meanwhile is no reason for panic.
        assert_eq!(ClockSkew::between(at(12), at(11), at(10)), ClockSkew(0));
    }

    #[test]
    fn what_is_ahead_is_positive_and_what_is_behind_negative() {
        let seconds = |theirs| ClockSkew::between(at(100), at(theirs), at(101)).as_seconds().to_string();
        assert_eq!([seconds(90), seconds(100), seconds(111)], ["10", "0", "-10"]);
    }

    #[test]
    fn thirty_seconds_are_the_limit_either_way() {
        let limit = i64::from(ClockSkew::LIMIT_SECONDS);
        for (off, serves) in [(limit, true), (limit + 1, false), (-limit, true), (-limit - 1, false), (3_600, false)] {
            assert_eq!(ClockSkew::between(at(0), at(off), at(0)).is_tolerable(), serves, "{off}");
        }
        let extreme = Timestamp::from_micros(0).unwrap().plus_seconds(i64::MAX);
        assert!(!ClockSkew::between(at(i64::MIN), extreme, at(i64::MIN)).is_tolerable());
    }
}
