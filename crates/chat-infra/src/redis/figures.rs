//! What is counted of Redis, by handles that are made once.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

const CALLS: &str = "chat_redis_calls_total";
const AVAILABLE: &str = "chat_redis_available";

/// The handles of a cache.
pub(super) struct Figures {
    pub(super) get: Calls,
    pub(super) put: Calls,
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
        Self { get: Calls::new("get"), put: Calls::new("put") }
    }

    /// Whether Redis is both read and written.
    pub(super) fn available() -> Gauge {
        describe_gauge!(AVAILABLE, "1 while Redis is read and written, 0 while it fails in one of both or in both");
        gauge!(AVAILABLE)
    }
}

impl Calls {
    pub(super) fn new(call: &'static str) -> Self {
        let counter = |result: &'static str| counter!(CALLS, "call" => call, "result" => result);
        Self { ok: counter("ok"), failed: counter("failed"), skipped: counter("skipped") }
    }
}
