//! A timer that keeps to the microsecond: the runtime's own are a millisecond coarse, which is more than many an answer
//! takes. It is a descriptor of the runtime, so that waiting takes no thread that would stand in the way of the others.

use std::io;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

use crate::error::LoadError;

/// The shortest wait: a timer that is set to nothing never ends.
const SHORTEST: Duration = Duration::from_nanos(1);
/// More than the eight bytes that come: a read that leaves room tells the runtime that there is no more, and saves the next one.
const ROOM: usize = 16;

/// Read as a pipe is: nothing comes until the time is over, then eight bytes.
#[derive(Debug)]
pub(super) struct Timer(Receiver);

impl Timer {
    pub(super) fn new() -> Result<Self, LoadError> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let descriptor = timerfd_create(TimerfdClockId::Monotonic, flags).map_err(io::Error::from);
        descriptor
            .and_then(Receiver::from_owned_fd_unchecked)
            .map(Self)
            .map_err(|source| LoadError::io("no timer", source))
    }

    pub(super) async fn sleep(&mut self, wait: Duration) -> Result<(), LoadError> {
        let once = Itimerspec { it_interval: Timespec::default(), it_value: spec(wait.max(SHORTEST)) };
        let set = timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once).map_err(io::Error::from);
        let ended = match set {
            Ok(_) => self.0.read(&mut [0; ROOM]).await,
            Err(error) => Err(error),
        };
        ended.map(drop).map_err(|source| LoadError::io("the timer broke", source))
    }
}

fn spec(wait: Duration) -> Timespec {
    Timespec { tv_sec: wait.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: wait.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn it_waits_at_least_as_long_as_it_was_told_to() {
        let mut timer = Timer::new().unwrap();
        for wait in [Duration::ZERO, Duration::from_micros(50), Duration::from_millis(2)] {
            let begin = Instant::now();
            timer.sleep(wait).await.unwrap();
            assert!(begin.elapsed() >= wait, "{wait:?}");
        }
    }
}
