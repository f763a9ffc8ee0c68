//! When requests are due in an open loop.
//!
//! Latency is counted from the moment at which a request was due, not from when a connection was free to send it: a
//! server that stalls is not asked less for it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// Evenly spread moments, each taken by the first connection that is free.
#[derive(Debug)]
pub(super) struct Schedule {
    begin: Instant,
    until: Instant,
    interval: Duration,
    released: AtomicU32,
    taken: AtomicU32,
    due: Semaphore,
}

impl Schedule {
    /// So many moments a second.
    pub(super) fn new(begin: Instant, until: Instant, rate: f64) -> Self {
        let interval = Duration::from_secs_f64(1.0 / rate).max(Duration::from_nanos(1));
        Self { begin, until, interval, released: AtomicU32::new(0), taken: AtomicU32::new(0), due: Semaphore::new(0) }
    }

    /// Waits for the next moment that nobody has taken; `None` once the time is over.
    pub(super) async fn next(&self) -> Option<Instant> {
        self.due.acquire().await.ok()?.forget();
        Some(self.moment(self.taken.fetch_add(1, Ordering::Relaxed)))
    }

    /// Releases the moments as they come. A thread of its own does it, since the runtime's timers are a millisecond
    /// coarse, which is more than many an answer takes.
    #[expect(clippy::disallowed_methods, reason = "the thread has nothing else to do")]
    pub(super) fn pace(&self) {
        loop {
            let now = Instant::now();
            if now >= self.until {
                break self.due.close();
            }
            let next = self.release(now);
            thread::sleep(next.saturating_duration_since(now));
        }
    }

    /// Releases what has come by now; when the next moment comes.
    fn release(&self, now: Instant) -> Instant {
        let due = self.due_by(now);
        let fresh = due - self.released.swap(due, Ordering::Relaxed);
        self.due.add_permits(usize::try_from(fresh).unwrap_or(0));
        self.moment(due)
    }

    /// For each moment that was released and that nobody took, how long it had waited when the time was over. The true latency
    /// would have been longer.
    pub(super) fn missed(&self) -> impl Iterator<Item = Duration> {
        let taken = self.taken.load(Ordering::Relaxed);
        let released = self.released.load(Ordering::Relaxed);
        (taken..released).map(|number| self.until.saturating_duration_since(self.moment(number)))
    }

    /// Moments that have come by then, the first of them at the very beginning.
    fn due_by(&self, now: Instant) -> u32 {
        let passed = now.saturating_duration_since(self.begin).as_nanos() / self.interval.as_nanos();
        u32::try_from(passed + 1).unwrap_or(u32::MAX)
    }

    fn moment(&self, number: u32) -> Instant {
        self.begin + self.interval.saturating_mul(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> Schedule {
        let begin = Instant::now();
        Schedule::new(begin, begin + Duration::from_millis(35), 100.0)
    }

    #[test]
    fn moments_are_evenly_spread() {
        let schedule = schedule();
        let after = |millis| schedule.due_by(schedule.begin + Duration::from_millis(millis));
        assert_eq!((after(0), after(9), after(10), after(25)), (1, 1, 2, 3));
        assert_eq!(schedule.moment(3) - schedule.begin, Duration::from_millis(30));
    }

    #[tokio::test]
    async fn each_moment_is_taken_once() {
        let schedule = schedule();
        schedule.release(schedule.moment(1));
        assert_eq!(schedule.next().await, Some(schedule.moment(0)));
        assert_eq!(schedule.next().await, Some(schedule.moment(1)));
        schedule.due.close();
        assert_eq!(schedule.next().await, None);
    }

    #[test]
    fn what_nobody_took_has_waited_until_the_end() {
        let schedule = schedule();
        assert_eq!(schedule.release(schedule.moment(3)), schedule.moment(4));
        schedule.taken.store(2, Ordering::Relaxed);
        let missed: Vec<_> = schedule.missed().collect();
        assert_eq!(missed, [Duration::from_millis(15), Duration::from_millis(5)]);
    }

    #[test]
    fn the_pacer_ends_with_the_time() {
        let schedule = schedule();
        schedule.pace();
        assert!(schedule.due.is_closed());
    }
}
