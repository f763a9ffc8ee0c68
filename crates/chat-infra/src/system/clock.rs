//! The time, as the machine knows it.

use chat_domain::clock::Clock;
use chat_domain::timestamp::Timestamp;
use time::OffsetDateTime;

/// The machine's clock. It may jump: nothing in the domain hangs on it for order.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that the `Clock` port is asked through")]
    fn now(&self) -> Timestamp {
        OffsetDateTime::now_utc().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_a_time_of_this_century() {
        let start = "2025-01-01T00:00:00Z".parse().unwrap();
        let end = "2100-01-01T00:00:00Z".parse().unwrap();
        let now = SystemClock.now();
        assert!(now > start && now < end, "{now}");
    }
}
