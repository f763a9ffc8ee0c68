//! How a quota is used up and comes back: a bucket that holds a burst and refills at the rate.

use std::time::Duration;

use super::port::{Refusal, Standing, Standings};
use super::quota::{Class, Quota, Quotas, Scope, Work};

/// What has been used of one quota. All that is kept is when the bucket would be full again, on a clock of the keeper's
/// own that never goes back. A new bucket is full.
///
/// Promise: in any span of time no more is taken than the burst and what came back in that span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    full_at: Duration,
}

impl Bucket {
    /// Takes one.
    ///
    /// # Errors
    /// Where none is left: how long until there is one.
    pub fn take(&mut self, quota: Quota, now: Duration) -> Result<Standing, Duration> {
        let full_at = self.full_at.max(now).saturating_add(quota.interval());
        let used = full_at.saturating_sub(now);
        if let Some(wait) = used.checked_sub(quota.refill()).filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        self.full_at = full_at;
        Ok(standing(quota, used))
    }

    /// Puts back one that was taken and not used.
    pub fn give_back(&mut self, quota: Quota) {
        self.full_at = self.full_at.saturating_sub(quota.interval());
    }

    /// Learns that elsewhere so much was used that it will be full only after so long.
    pub fn learn(&mut self, full_in: Duration, now: Duration) {
        self.full_at = self.full_at.max(now.saturating_add(full_in));
    }

    /// Whether nothing of it is used: then it is as good as a new one.
    #[must_use]
    pub fn is_full(&self, now: Duration) -> bool {
        self.full_at <= now
    }
}

fn standing(quota: Quota, used: Duration) -> Standing {
    // Both fit: a burst at the lowest rate comes back within years, and so many nanoseconds are counted in 64 bits.
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let left = nanos(quota.refill().saturating_sub(used)) / nanos(quota.interval()).max(1);
    Standing { quota, left: u32::try_from(left).unwrap_or(u32::MAX), full_in: used }
}

/// Of what nothing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedUp {
    /// What it counts.
    pub class: Class,
    /// The quota.
    pub quota: Quota,
    /// How long until something is left, above zero.
    pub wait: Duration,
}

impl UsedUp {
    /// The refusal, where it is a quota of this scope.
    #[must_use]
    pub const fn of(self, scope: Scope) -> Refusal {
        Refusal { scope, class: self.class, quota: self.quota, retry_after: self.wait }
    }
}

/// The buckets of one caller or one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Buckets {
    requests: Bucket,
    messages: Bucket,
}

impl Buckets {
    const fn of(&mut self, class: Class) -> &mut Bucket {
        match class {
            Class::Requests => &mut self.requests,
            Class::Messages => &mut self.messages,
        }
    }

    /// Takes what the work counts as, all of it or nothing.
    ///
    /// # Errors
    /// Where one of the quotas is used up.
    pub fn take(&mut self, quotas: &Quotas, work: Work, now: Duration) -> Result<Standings, UsedUp> {
        let (mut after, mut standings) = (*self, Standings::default());
        for class in work.counts_as() {
            if let Some(quota) = quotas.of(*class) {
                let taken = after.of(*class).take(quota, now);
                let standing = taken.map_err(|wait| UsedUp { class: *class, quota, wait })?;
                standings.set(*class, standing);
            }
        }
        *self = after;
        Ok(standings)
    }

    /// Puts back what was taken for work that was not done.
    pub fn give_back(&mut self, quotas: &Quotas, work: Work) {
        for class in work.counts_as() {
            if let Some(quota) = quotas.of(*class) {
                self.of(*class).give_back(quota);
            }
        }
    }

    /// Whether nothing of them is used.
    #[must_use]
    pub fn are_full(&self, now: Duration) -> bool {
        self.requests.is_full(now) && self.messages.is_full(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn quota(burst: u32, rate: u32) -> Quota {
        Quota::new(burst.try_into().unwrap(), rate.try_into().unwrap())
    }

    #[test]
    fn a_burst_then_the_steady_rate() {
        let (mut bucket, quota, now) = (Bucket::default(), quota(3, 2), SECOND);
        let lefts: Vec<_> = (0..3).map(|_| bucket.take(quota, now).unwrap().left).collect();
        assert_eq!(lefts, [2, 1, 0]);
        assert_eq!(bucket.take(quota, now), Err(SECOND / 2));
        assert!(bucket.take(quota, now + Duration::from_nanos(499_999_999)).is_err());
        assert_eq!(bucket.take(quota, now + SECOND / 2).unwrap().left, 0);
        assert!(bucket.take(quota, now + SECOND / 2).is_err());
    }

    #[test]
    fn it_says_how_long_until_it_is_full() {
        let (mut bucket, quota) = (Bucket::default(), quota(10, 2));
        bucket.take(quota, SECOND).unwrap();
        assert_eq!(bucket.take(quota, SECOND).unwrap().full_in, SECOND);
        assert!(!bucket.is_full(Duration::from_nanos(1_999_999_999)) && bucket.is_full(SECOND * 2));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let (mut bucket, quota) = (Bucket::default(), quota(1, 1));
        bucket.take(quota, SECOND).unwrap();
        bucket.give_back(quota);
        assert!(bucket.take(quota, SECOND).is_ok());
        bucket.give_back(quota);
        bucket.give_back(quota);
        assert!(bucket.take(quota, SECOND).is_ok());
        assert!(bucket.take(quota, SECOND).is_err(), "no more is ever in it than a burst");
    }

    #[test]
    fn what_is_learnt_counts_as_used_and_nothing_used_is_forgotten() {
        let (mut bucket, quota) = (Bucket::default(), quota(10, 10));
        bucket.learn(SECOND / 2, SECOND);
        assert_eq!(bucket.take(quota, SECOND).unwrap().left, 4);
        bucket.learn(Duration::ZERO, SECOND);
        assert_eq!(bucket.take(quota, SECOND).unwrap().left, 3);
        bucket.learn(SECOND * 2, SECOND);
        assert_eq!(bucket.take(quota, SECOND), Err(SECOND + SECOND / 10), "a debt is worked off first");
    }

    #[test]
    fn work_takes_all_that_it_counts_as_or_nothing() {
        let quotas = Quotas { requests: Some(quota(10, 1)), messages: Some(quota(2, 1)) };
        let mut buckets = Buckets::default();
        for left in [1, 0] {
            let standings = buckets.take(&quotas, Work::Message, SECOND).unwrap();
            assert_eq!(standings.messages.unwrap().left, left);
        }
        let used_up = UsedUp { class: Class::Messages, quota: quota(2, 1), wait: SECOND };
        assert_eq!(buckets.take(&quotas, Work::Message, SECOND), Err(used_up));
        let standings = buckets.take(&quotas, Work::Request, SECOND).unwrap();
        assert_eq!((standings.requests.unwrap().left, standings.messages), (7, None), "a refusal took nothing");
        buckets.give_back(&quotas, Work::Message);
        assert_eq!(buckets.take(&quotas, Work::Message, SECOND).unwrap().messages.unwrap().left, 0);
    }

    #[test]
    fn what_has_no_quota_is_not_limited() {
        let mut buckets = Buckets::default();
        for _ in 0..1_000 {
            assert_eq!(buckets.take(&Quotas::default(), Work::Message, SECOND), Ok(Standings::default()));
        }
        assert!(buckets.are_full(SECOND));
    }

    proptest! {
        /// In any span: no more than the burst and what came back in it. And no less than a bucket of tokens gives.
        #[test]
        fn never_more_than_the_burst_and_the_rate_times_the_time(
            burst in 1_u32..50,
            rate in 1_u32..2_000,
            asked in proptest::collection::vec((0_u64..20_000_000, 1_u32..30), 1..100),
        ) {
            let quota = quota(burst, rate);
            let (mut bucket, mut now) = (Bucket::default(), SECOND);
            let (mut tokens, mut taken) = (quota.refill(), Vec::new());
            for (pause, times) in asked {
                now += Duration::from_nanos(pause);
                tokens = (tokens + Duration::from_nanos(pause)).min(quota.refill());
                for _ in 0..times {
                    let left = tokens.checked_sub(quota.interval());
                    tokens = left.unwrap_or(tokens);
                    prop_assert_eq!(bucket.take(quota, now).is_ok(), left.is_some());
                    taken.extend(left.map(|_| now));
                }
            }
            for (first, start) in taken.iter().enumerate() {
                for (last, end) in taken.iter().enumerate().skip(first) {
                    let back = end.saturating_sub(*start).as_nanos() * u128::from(rate) / 1_000_000_000;
                    prop_assert!((last - first + 1) as u128 <= u128::from(burst) + back);
                }
            }
        }
    }
}
