//! When requests are due in an open loop.
//!
//! Latency is counted from the moment at which a request was due, not from when a connection was free to send it: a
//! server that stalls is not asked less for it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::timer::Timer;
use crate::error::LoadError;

/// Evenly spread moments, each taken by the first connection of a thread that is free. Each thread has moments of its
/// own, between those of the others, so that no request wakes another thread.
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
    /// One thread's share of so many moments a second. `share` is its number, and how many there are.
    pub(super) fn new(begin: Instant, until: Instant, rate: f64, share: (usize, usize)) -> Self {
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        let (share, threads) = (number(share.0), number(share.1).max(1));
        let apart = Duration::from_secs_f64(1.0 / rate).max(Duration::from_nanos(1));
        Self {
            begin: begin + apart.saturating_mul(share),
            until,
            interval: apart.saturating_mul(threads),
            released: AtomicU32::new(0),
            taken: AtomicU32::new(0),
            due: Semaphore::new(0),
        }
    }

    /// Waits for the next moment that nobody has taken; `None` once the time is over.
    pub(super) async fn next(&self) -> Option<Instant> {
        self.due.acquire().await.ok()?.forget();
        Some(self.moment(self.taken.fetch_add(1, Ordering::Relaxed)))
    }

    /// Releases the moments as they come, until the time is over.
    pub(super) async fn pace(&self) -> Result<(), LoadError> {
        let timer = Timer::new()?;
        loop {
            let now = Instant::now();
            if now >= self.until {
                self.due.close();
                return Ok(());
            }
            let next = self.release(now);
            timer.sleep(next.saturating_duration_since(now)).await?;
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
        let Some(passed) = now.checked_duration_since(self.begin) else { return 0 };
        u32::try_from(passed.as_nanos() / self.interval.as_nanos() + 1).unwrap_or(u32::MAX)
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

    #[tokio::test]
    async fn the_pacer_ends_with_the_time_and_has_released_all() {
        let schedule = schedule();
        schedule.pace().await.unwrap();
        assert!(schedule.due.is_closed());
        assert_eq!(schedule.missed().count(), 4);
    }
}
