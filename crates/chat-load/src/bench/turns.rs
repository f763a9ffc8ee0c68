//! Who goes first.

use crate::error::LoadError;

/// Something that is measured.
pub(super) type Take<'a, T> = &'a dyn Fn() -> Result<T, LoadError>;

/// Measures what is compared, one directly after the other: in this order, and in every second round from the last to the
/// first, so that a machine that slows down does not always do so to the same. What came of it, in this order.
///
/// # Errors
/// The first, and nothing is measured after it.
pub(super) fn in_turn<T, const N: usize>(round: usize, takes: [Take<'_, T>; N]) -> Result<[T; N], LoadError> {
    let measured: Result<Vec<T>, LoadError> = if round % 2 == 1 {
        takes.iter().map(|take| take()).collect()
    } else {
        takes.iter().rev().map(|take| take()).collect()
    };
    let mut measured = measured?;
    if round.is_multiple_of(2) {
        measured.reverse();
    }
    measured.try_into().map_err(|_| LoadError::failed("a case was left out"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// What came of a round, and in which order.
    fn round(round: usize) -> ([char; 3], String) {
        let order = RefCell::new(String::new());
        let take = |name: char| {
            order.borrow_mut().push(name);
            Ok(name)
        };
        let measured = in_turn(round, [&|| take('a'), &|| take('b'), &|| take('c')]).unwrap();
        (measured, order.into_inner())
    }

    #[test]
    fn the_order_turns_from_round_to_round_and_the_results_stay_in_their_places() {
        let wanted = ['a', 'b', 'c'];
        assert_eq!(round(1), (wanted, "abc".to_owned()));
        assert_eq!(round(2), (wanted, "cba".to_owned()));
        assert_eq!(round(3), (wanted, "abc".to_owned()));
    }

    #[test]
    fn nothing_is_measured_after_a_failure() {
        let fails = || Err::<(), _>(LoadError::failed("broken"));
        let never = || -> Result<(), LoadError> { panic!("measured") };
        assert!(in_turn(1, [&fails, &never]).is_err());
        assert!(in_turn(2, [&never, &fails]).is_err());
    }
}
