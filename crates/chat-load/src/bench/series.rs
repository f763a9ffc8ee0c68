//! The arithmetic: medians, spread, means.

/// One figure, measured in each round.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Series(Vec<f64>);

impl FromIterator<f64> for Series {
    fn from_iter<T: IntoIterator<Item = f64>>(figures: T) -> Self {
        Self(figures.into_iter().collect())
    }
}

impl Series {
    pub(super) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub(super) fn extend(&mut self, figures: impl IntoIterator<Item = f64>) {
        self.0.extend(figures);
    }

    /// The figure in the middle, or the mean of the two there; `None` where there is none.
    pub(super) fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get(sorted.len().saturating_sub(1) / 2)?;
        Some(f64::midpoint(lower, upper))
    }

    /// The lowest and the highest.
    pub(super) fn spread(&self) -> Option<(f64, f64)> {
        let lowest = self.0.iter().copied().reduce(f64::min)?;
        Some((lowest, self.0.iter().copied().reduce(f64::max)?))
    }

    /// Each figure as a multiple of the other series' of the same round, so that what a machine does to both in one
    /// round does not show.
    pub(super) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(figure, against)| figure / against).collect())
    }
}

/// What a load reaches that is made of several, were each served as fast as by itself: the harmonic mean, each rate
/// weighted by its share.
pub(super) fn harmonic_mean(shares_and_rates: &[(f64, f64)]) -> f64 {
    let shares: f64 = shares_and_rates.iter().map(|(share, _)| share).sum();
    shares / shares_and_rates.iter().map(|(share, rate)| share / rate).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(figures: &[f64]) -> Series {
        Series(figures.to_vec())
    }

    #[test]
    fn the_median_does_not_mind_the_order() {
        assert_eq!(series(&[30.0, 10.0, 20.0]).median(), Some(20.0));
        assert_eq!(series(&[4.0, 1.0, 3.0, 2.0]).median(), Some(2.5));
        assert_eq!(series(&[7.0]).median(), Some(7.0));
        assert_eq!(series(&[]).median(), None);
    }

    #[test]
    fn the_spread_is_from_lowest_to_highest() {
        assert_eq!(series(&[30.0, 10.0, 20.0]).spread(), Some((10.0, 30.0)));
        assert_eq!(series(&[]).spread(), None);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // A machine that was twice as fast in the second round changes nothing.
        let ratios = series(&[30.0, 60.0, 30.0]).over(&series(&[10.0, 20.0, 10.0]));
        assert_eq!((ratios.median(), ratios.spread()), (Some(3.0), Some((3.0, 3.0))));
    }

    #[test]
    fn the_slower_part_of_a_mix_weighs_more() {
        // Four requests of 1/40 s and one of 1/10 s: five in 0.2 s.
        assert!((harmonic_mean(&[(0.8, 40.0), (0.2, 10.0)]) - 25.0).abs() < 1e-9);
        assert!((harmonic_mean(&[(0.8, 7.0), (0.2, 7.0)]) - 7.0).abs() < 1e-9);
    }
}
