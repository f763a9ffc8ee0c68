//! When requests are due in an open loop.
//!
//! Latency is counted from the moment at which a request was due, not from when a connection was free to send it: a
//! server that stalls is not asked less for it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout_at;

use super::timer::Timer;
use crate::error::LoadError;

/// The pacer wakes no oftener than this: each time costs a timer's interrupt and a change of threads, on processors that the
/// server needs as well. What comes due meanwhile is sent that much later, and its latency holds it.
const BREATH: Duration = Duration::from_micros(50);

/// Evenly spread moments, each taken by the first connection of a thread that is free. Each thread has moments of its
/// own, between those of the others, so that no request wakes another thread.
///
/// A connection that was just answered takes what is due by itself. The pacer is there for connections that wait, and it
/// rests while none does.
#[derive(Debug)]
pub(super) struct Schedule {
    begin: Instant,
    until: Instant,
    interval: Duration,
    taken: AtomicU32,
    /// Connections that wait for a moment to come.
    idle: AtomicU32,
    /// Wakes connections.
    due: Notify,
    /// Wakes the pacer.
    wanted: Notify,
}

impl Schedule {
    /// One thread's share of so many moments a second. `share` is its number, and how many there are.
    pub(super) fn new(begin: Instant, until: Instant, rate: f64, share: (usize, usize)) -> Self {
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        let (share, threads) = (number(share.0), number(share.1).max(1));
        let apart = Duration::from_secs_f64(1.0 / rate).max(Duration::from_nanos(1));
        Self {
            begin: begin + apart.saturating_mul(share),
            until,
            interval: apart.saturating_mul(threads),
            taken: AtomicU32::new(0),
            idle: AtomicU32::new(0),
            due: Notify::new(),
            wanted: Notify::new(),
        }
    }

    /// Waits for the next moment that nobody has taken; `None` once the time is over.
    pub(super) async fn next(&self) -> Option<Instant> {
        loop {
            let now = Instant::now();
            if now >= self.until {
                return None;
            }
            if let Some(moment) = self.take(now) {
                return Some(moment);
            }
            if self.idle.fetch_add(1, Ordering::Relaxed) == 0 {
                self.wanted.notify_one();
            }
            self.due.notified().await;
            self.idle.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Wakes connections as their moments come, until the time is over.
    pub(super) async fn pace(&self) -> Result<(), LoadError> {
        let mut timer = Timer::new()?;
        loop {
            let now = Instant::now();
            if now >= self.until {
                self.due.notify_waiters();
                return Ok(());
            }
            if self.idle.load(Ordering::Relaxed) == 0 {
                // Over in time or called for: what it was is seen above.
                _ = timeout_at(self.until.into(), self.wanted.notified()).await;
            } else {
                let next = self.wake(now).min(self.until);
                timer.sleep(next.saturating_duration_since(now).max(BREATH)).await?;
            }
        }
    }

    /// Takes the next moment, if it has come. The tasks of a thread run one at a time, so nobody else takes it meanwhile.
    fn take(&self, now: Instant) -> Option<Instant> {
        let number = self.taken.load(Ordering::Relaxed);
        let moment = self.moment(number);
        (moment <= now).then(|| {
            self.taken.store(number + 1, Ordering::Relaxed);
            moment
        })
    }

    /// Wakes as many of those that wait as moments have come; when the next comes. Who was busy last goes first: what it
    /// needs is in the processor's caches still.
    fn wake(&self, now: Instant) -> Instant {
        let due = self.due_by(now);
        let fresh = due.saturating_sub(self.taken.load(Ordering::Relaxed));
        for _ in 0..fresh.min(self.idle.load(Ordering::Relaxed)) {
            self.due.notify_last();
        }
        self.moment(due)
    }

    /// For each moment before the end that nobody took, how long it had waited when the time was over. The true latency would
    /// have been longer.
    pub(super) fn missed(&self) -> impl Iterator<Item = Duration> {
        let untaken = self.taken.load(Ordering::Relaxed)..;
        let waited = untaken.map(|number| self.until.saturating_duration_since(self.moment(number)));
        waited.take_while(|waited| !waited.is_zero())
    }

    /// Moments that have come by then, the first of them at the very beginning.
    fn due_by(&self, now: Instant) -> u32 {
        let Some(passed) = now.checked_duration_since(self.begin) else { return 0 };
        u32::try_from(passed.as_nanos() / self.interval.as_nanos() + 1).unwrap_or(u32::MAX)
    }

    fn moment(&self, number: u32) -> Instant {
        self.begin + self.interval.saturating_mul(number)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::task::{Context, Poll, Wake, Waker};

    use super::*;

    fn schedule() -> Schedule {
        let begin = Instant::now();
        Schedule::new(begin, begin + Duration::from_millis(35), 100.0, (0, 1))
    }

    #[test]
    fn moments_are_evenly_spread() {
        let schedule = schedule();
        let after = |millis| schedule.due_by(schedule.begin + Duration::from_millis(millis));
        assert_eq!((after(0), after(9), after(10), after(25)), (1, 1, 2, 3));
        assert_eq!(schedule.moment(3) - schedule.begin, Duration::from_millis(30));
    }

    #[test]
    fn threads_take_turns() {
        let begin = Instant::now();
        let shares = [0, 1].map(|share| Schedule::new(begin, begin + Duration::from_secs(1), 100.0, (share, 2)));
        let moments = [0, 1].map(|number| shares.each_ref().map(|share| share.moment(number) - begin));
        assert_eq!(moments.concat(), [0, 10, 20, 30].map(Duration::from_millis));
        let after = |millis| shares.each_ref().map(|share| share.due_by(begin + Duration::from_millis(millis)));
        assert_eq!([after(0), after(10), after(29)], [[1, 0], [1, 1], [2, 1]]);
    }

    #[test]
    fn each_moment_is_taken_once_and_not_before_it_comes() {
        let schedule = schedule();
        let now = schedule.moment(1);
        let taken = [0; 3].map(|_| schedule.take(now));
        assert_eq!(taken, [Some(schedule.moment(0)), Some(schedule.moment(1)), None]);
    }

    /// Polls a connection's wait: which moment it got, if any.
    fn ask(waits: &mut (impl Future<Output = Option<Instant>> + Unpin)) -> Poll<Option<Instant>> {
        Pin::new(waits).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_moment_that_comes_wakes_who_was_busy_last() {
        let begin = Instant::now() + Duration::from_hours(1);
        let schedule = Schedule::new(begin, begin + Duration::from_secs(1), 100.0, (0, 1));
        let woken = [0, 1].map(|_| Arc::new(Woken::default()));
        let mut waits = [0, 1].map(|_| Box::pin(schedule.next()));
        for (wait, woken) in waits.iter_mut().zip(&woken) {
            let waker = Waker::from(Arc::clone(woken));
            assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(schedule.wake(begin), schedule.moment(1));
        assert_eq!(woken.each_ref().map(|woken| woken.0.load(Ordering::Relaxed)), [false, true]);
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_waits_first_calls_for_the_pacer() {
        let begin = Instant::now() + Duration::from_hours(1);
        let schedule = Schedule::new(begin, begin + Duration::from_secs(1), 100.0, (0, 1));
        let mut called = Box::pin(schedule.wanted.notified());
        let mut poll = || called.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(!poll());
        assert!(ask(&mut Box::pin(schedule.next())).is_pending());
        assert!(poll());
    }

    #[test]
    fn what_nobody_took_has_waited_until_the_end() {
        let schedule = schedule();
        schedule.taken.store(2, Ordering::Relaxed);
        let missed: Vec<_> = schedule.missed().collect();
        assert_eq!(missed, [Duration::from_millis(15), Duration::from_millis(5)]);
    }

    #[test]
    fn a_moment_at_the_very_end_is_none() {
        let begin = Instant::now();
        let schedule = Schedule::new(begin, begin + Duration::from_millis(30), 100.0, (0, 1));
        assert_eq!(schedule.missed().count(), 3);
    }

    #[tokio::test]
    async fn with_the_time_the_pacer_ends_and_so_does_who_waits() {
        let schedule = schedule();
        let all = async { while schedule.next().await.is_some() {} };
        let (paced, ()) = tokio::join!(schedule.pace(), all);
        paced.unwrap();
        assert!(Instant::now() >= schedule.until);
        assert_eq!(schedule.idle.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_pacer_that_nobody_needs_ends_with_the_time_too() {
        let schedule = schedule();
        schedule.pace().await.unwrap();
        assert_eq!(schedule.missed().count(), 4);
    }
}
