//! The breaker: after a few failures in a row nobody is asked for a while, then one caller tries for all.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::config::BreakerConfig;

/// Decides who may ask.
pub(super) struct Breaker {
    config: BreakerConfig,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All may ask; so many of them failed since the last success.
    Closed { failures: u32 },
    /// Nobody may ask before this.
    Open { until: Instant },
    /// One asks; the others wait for what comes of it.
    Probing,
}

/// A verdict that changed the state: worth a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// From now on nobody asks.
    Opened,
    /// All may ask again.
    Closed,
}

impl Breaker {
    pub(super) const fn new(config: BreakerConfig) -> Self {
        Self { config, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leave to ask, or `None`.
    pub(super) fn admit(&self, now: Instant) -> Option<Pass<'_>> {
        let mut state = self.state();
        let probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until <= now => true,
            State::Open { .. } | State::Probing => return None,
        };
        if probe {
            *state = State::Probing;
        }
        Some(Pass { breaker: self, probe, admitted: now, settled: false })
    }
}

/// Leave to ask once. Dropped without a verdict, because the caller went away, it says nothing about Redis; a probe is
/// then left to the next caller.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    probe: bool,
    admitted: Instant,
    settled: bool,
}

impl Pass<'_> {
    /// It answered.
    pub(super) fn succeeded(mut self) -> Option<Change> {
        self.settled = true;
        let mut state = self.breaker.state();
        match *state {
            State::Closed { .. } => *state = State::Closed { failures: 0 },
            State::Probing if self.probe => {
                *state = State::Closed { failures: 0 };
                return Some(Change::Closed);
            }
            // A call from before the breaker opened: one answer among failures closes nothing.
            State::Open { .. } | State::Probing => {}
        }
        None
    }

    /// It did not.
    pub(super) fn failed(mut self, now: Instant) -> Option<Change> {
        self.settled = true;
        let config = &self.breaker.config;
        let until = now + config.pause;
        let mut state = self.breaker.state();
        match *state {
            State::Closed { failures } if failures.saturating_add(1) >= config.failures => {
                *state = State::Open { until };
                return Some(Change::Opened);
            }
            State::Closed { failures } => *state = State::Closed { failures: failures + 1 },
            State::Probing if self.probe => *state = State::Open { until },
            State::Open { .. } | State::Probing => {}
        }
        None
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probe && !self.settled {
            *self.breaker.state() = State::Open { until: self.admitted };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    fn breaker() -> Breaker {
        Breaker::new(BreakerConfig { failures: 3, pause: PAUSE })
    }

    fn open(breaker: &Breaker, now: Instant) {
        for _ in 0..3 {
            breaker.admit(now).unwrap().failed(now);
        }
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_says_so_once() {
        let (breaker, now) = (breaker(), Instant::now());
        assert_eq!(breaker.admit(now).unwrap().failed(now), None);
        assert_eq!(breaker.admit(now).unwrap().failed(now), None);
        assert_eq!(breaker.admit(now).unwrap().succeeded(), None);
        assert_eq!(breaker.admit(now).unwrap().failed(now), None, "a success between them starts the count anew");
        assert_eq!(breaker.admit(now).unwrap().failed(now), None);
        let late = breaker.admit(now).unwrap();
        assert_eq!(breaker.admit(now).unwrap().failed(now), Some(Change::Opened));
        assert_eq!(late.failed(now), None);
        assert!(breaker.admit(now).is_none());
    }

    #[test]
    fn after_the_pause_one_caller_tries_for_all() {
        let (breaker, now) = (breaker(), Instant::now());
        open(&breaker, now);
        let later = now + PAUSE;
        let probe = breaker.admit(later).unwrap();
        assert!(breaker.admit(later).is_none());
        assert_eq!(probe.succeeded(), Some(Change::Closed));
        assert!(breaker.admit(later).is_some());
    }

    #[test]
    fn a_probe_that_fails_starts_the_pause_anew_without_another_word() {
        let (breaker, now) = (breaker(), Instant::now());
        open(&breaker, now);
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later).unwrap().failed(later), None);
        assert!(breaker.admit(later).is_none());
        assert!(breaker.admit(later + PAUSE).is_some());
    }

    #[test]
    fn a_probe_whose_caller_went_away_is_left_to_the_next() {
        let (breaker, now) = (breaker(), Instant::now());
        open(&breaker, now);
        let later = now + PAUSE;
        drop(breaker.admit(later).unwrap());
        assert_eq!(breaker.admit(later).unwrap().succeeded(), Some(Change::Closed));
    }

    #[test]
    fn an_answer_from_before_closes_nothing() {
        let (breaker, now) = (breaker(), Instant::now());
        let early = breaker.admit(now).unwrap();
        open(&breaker, now);
        assert_eq!(early.succeeded(), None);
        assert!(breaker.admit(now).is_none());
    }
}
