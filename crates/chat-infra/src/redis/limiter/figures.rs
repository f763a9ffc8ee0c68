//! The figures of the limiter, their handles made once.

use metrics::{Counter, counter, describe_counter};

use crate::redis::figures::Calls;

const ALONE: &str = "chat_rate_limit_fallbacks_total";

/// What is counted.
pub(super) struct Figures {
    pub(super) buy: Calls,
    /// Requests that this node let through by its own count.
    pub(super) alone: Counter,
}

impl Figures {
    pub(super) fn new() -> Self {
        describe_counter!(ALONE, "Requests that a node let through by its own count, because Redis did not answer");
        Self { buy: Calls::new("buy"), alone: counter!(ALONE) }
    }
}
