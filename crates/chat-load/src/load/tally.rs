//! Counting answers.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::summary::Summary;
use crate::error::LoadError;

/// The longest latency that is told apart, in microseconds; longer ones count as this.
const LONGEST: u64 = 60_000_000;
/// Digits that hold for each latency.
const DIGITS: u8 = 3;

/// What has been seen so far.
#[derive(Debug)]
pub(super) struct Tally {
    latencies: Histogram<u64>,
    answered: u64,
    untimely: u64,
    missed: u64,
    unexpected: BTreeMap<u16, u64>,
}

impl Tally {
    pub(super) fn new() -> Result<Self, LoadError> {
        let latencies =
            Histogram::new_with_bounds(1, LONGEST, DIGITS).map_err(|_| LoadError::failed("no histogram"))?;
        Ok(Self { latencies, answered: 0, untimely: 0, missed: 0, unexpected: BTreeMap::new() })
    }

    /// Counts a good answer.
    pub(super) fn answer(&mut self, latency: Duration) {
        self.answered += 1;
        self.record(latency);
    }

    /// Counts a good answer that came before the time that is measured, or after it.
    pub(super) fn answer_untimely(&mut self) {
        self.untimely += 1;
    }

    /// Counts a request that was due and could not be sent.
    pub(super) fn miss(&mut self, waited: Duration) {
        self.missed += 1;
        self.record(waited);
    }

    /// Counts an answer of a status that was not expected.
    pub(super) fn refuse(&mut self, status: u16) {
        *self.unexpected.entry(status).or_default() += 1;
    }

    /// Adds another thread's count.
    pub(super) fn add(&mut self, other: &Self) -> Result<(), LoadError> {
        self.latencies.add(&other.latencies).map_err(|_| LoadError::failed("histograms do not fit together"))?;
        self.answered += other.answered;
        self.untimely += other.untimely;
        self.missed += other.missed;
        for (status, count) in &other.unexpected {
            *self.unexpected.entry(*status).or_default() += count;
        }
        Ok(())
    }

    /// What is told of it, where it all took so long.
    pub(super) fn summary(self, length: Duration) -> Summary {
        let at = |quantile| Duration::from_micros(self.latencies.value_at_quantile(quantile));
        Summary {
            rate: approximate(self.answered) / length.as_secs_f64(),
            answered: self.answered,
            served: self.answered + self.untimely,
            missed: self.missed,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: at(1.0),
            unexpected: self.unexpected,
        }
    }

    fn record(&mut self, latency: Duration) {
        self.latencies.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(LONGEST));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
const fn approximate(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(millis: impl IntoIterator<Item = u64>) -> Tally {
        let mut tally = Tally::new().unwrap();
        millis.into_iter().for_each(|millis| tally.answer(Duration::from_millis(millis)));
        tally
    }

    fn near(measured: Duration, millis: u64) -> bool {
        measured.abs_diff(Duration::from_millis(millis)) <= Duration::from_micros(millis)
    }

    #[test]
    fn quantiles_hold_to_a_thousandth() {
        let summary = tally(1..=1000).summary(Duration::from_secs(2));
        assert_eq!((summary.answered, summary.rate), (1000, 500.0));
        for (measured, millis) in
            [(summary.p50, 500), (summary.p90, 900), (summary.p99, 990), (summary.p999, 999), (summary.max, 1000)]
        {
            assert!(near(measured, millis), "{measured:?} for {millis} ms");
        }
    }

    #[test]
    fn threads_add_up() {
        let mut one = tally([1]);
        let mut other = tally([3, 3]);
        one.refuse(503);
        other.refuse(503);
        other.miss(Duration::from_millis(9));
        one.answer_untimely();
        other.answer_untimely();
        one.add(&other).unwrap();
        let summary = one.summary(Duration::from_secs(1));
        assert_eq!((summary.answered, summary.missed, summary.unexpected[&503]), (3, 1, 2));
        assert_eq!(summary.served, 5, "with those that did not come in time");
        assert!(near(summary.max, 9));
    }

    #[test]
    fn a_latency_beyond_the_longest_is_not_lost() {
        let summary = tally([100_000]).summary(Duration::from_secs(1));
        assert!(near(summary.max, 60_000), "{:?}", summary.max);
    }

    #[test]
    fn nothing_is_a_result_too() {
        let summary = tally([]).summary(Duration::from_secs(1));
        assert_eq!((summary.answered, summary.max), (0, Duration::ZERO));
    }
}
