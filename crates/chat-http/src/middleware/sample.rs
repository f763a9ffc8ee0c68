//! Which of the good answers leave an event.

use std::cell::Cell;

/// The share of answers below 400 that leave an event in the log; all others leave theirs always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogShare(u32);

/// A number that is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a share between 0 and 1")]
pub struct InvalidShare;

impl LogShare {
    /// All of them.
    pub const ALL: Self = Self(WHOLE);

    /// From 0 (none) to 1 (all), to a millionth.
    ///
    /// # Errors
    /// A number beyond that, or none.
    pub fn new(share: f64) -> Result<Self, InvalidShare> {
        if !(0.0..=1.0).contains(&share) {
            return Err(InvalidShare);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a million")]
        Ok(Self((share * f64::from(WHOLE)).round() as u32))
    }
}

/// A share of one, in millionths.
const WHOLE: u32 = 1_000_000;

/// Picks that share of what comes, evenly: of a tenth each tenth, beginning with the first.
pub(super) struct Sample {
    share: u32,
    owed: Cell<u32>,
}

impl Sample {
    pub(super) fn new(share: LogShare) -> Self {
        Self { share: share.0, owed: Cell::new(WHOLE - share.0.max(1)) }
    }

    /// Whether this one is picked.
    pub(super) fn takes(&self) -> bool {
        let owed = self.owed.get() + self.share;
        let taken = owed >= WHOLE;
        self.owed.set(if taken { owed - WHOLE } else { owed });
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(share: f64, of: u32) -> Vec<u32> {
        let sample = Sample::new(LogShare::new(share).unwrap());
        (0..of).filter(|_| sample.takes()).collect()
    }

    #[test]
    fn the_share_is_kept_to_the_last_one() {
        for (share, expected) in [(0.0, 0), (0.001, 1_000), (0.3, 300_000), (0.999_999, 999_999), (1.0, 1_000_000)] {
            assert_eq!(taken(share, 1_000_000).len(), expected, "{share}");
        }
    }

    #[test]
    fn what_is_taken_is_spread_evenly_and_begins_at_once() {
        assert_eq!(taken(0.25, 12), [0, 4, 8]);
        assert_eq!(taken(1.0, 3), [0, 1, 2]);
    }

    #[test]
    fn a_share_lies_between_none_and_all() {
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(LogShare::new(bad), Err(InvalidShare));
        }
        assert_eq!(LogShare::new(1.0), Ok(LogShare::ALL));
    }
}
