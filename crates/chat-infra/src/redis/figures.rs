//! What is counted of Redis, by handles that are made once.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

const CALLS: &str = "chat_redis_calls_total";
const AVAILABLE: &str = "chat_redis_available";

/// The handles of a cache.
pub(super) struct Figures {
    pub(super) get: Calls,
    pub(super) put: Calls,
    available: Gauge,
}

/// The handles of one kind of call.
pub(super) struct Calls {
    /// It was answered.
    pub(super) ok: Counter,
    /// It was not.
    pub(super) failed: Counter,
    /// It was not made, since others failed a moment ago.
    pub(super) skipped: Counter,
}

impl Figures {
    pub(super) fn new() -> Self {
        describe_counter!(CALLS, "Calls of Redis: answered, failed, or not made because others had just failed");
        describe_gauge!(AVAILABLE, "1 while Redis is asked, 0 while it is left alone because it failed");
        let figures = Self { get: Calls::new("get"), put: Calls::new("put"), available: gauge!(AVAILABLE) };
        figures.available(true);
        figures
    }

    /// Whether Redis is asked at all.
    pub(super) fn available(&self, is: bool) {
        self.available.set(f64::from(u8::from(is)));
    }
}

impl Calls {
    pub(super) fn new(call: &'static str) -> Self {
        let counter = |result: &'static str| counter!(CALLS, "call" => call, "result" => result);
        Self { ok: counter("ok"), failed: counter("failed"), skipped: counter("skipped") }
    }
}
