//! Numbers in the form in which figures take them.

/// A count; from four thousand millions on they are all the same.
pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
