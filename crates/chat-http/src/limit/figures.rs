//! What was refused and what is held, by handles that are made once.

use chat_domain::limit::{Class, Scope};
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

const REFUSED: &str = "chat_rate_limited_total";
const MEANING: &str = "Requests and connections refused, by what was limited and whose limit it was";
const OPEN: &str = "chat_http_connections";
const MOST: &str = "chat_http_max_connections";

/// The counters of refusals.
pub(super) struct Figures {
    /// In the order of `Scope::ALL`, and in each in that of `Class::ALL`.
    quotas: [[Counter; Class::ALL.len()]; Scope::ALL.len()],
    /// Requests beyond those that a caller may have under way.
    pub(super) at_once: Counter,
    /// Requests of an address that has failed too often.
    pub(super) unauthenticated: Counter,
}

impl Figures {
    /// The handles; all of them are there from now on, at zero.
    pub(super) fn new() -> Self {
        describe_counter!(REFUSED, MEANING);
        let refused = |class: &'static str, scope: &'static str| counter!(REFUSED, "class" => class, "scope" => scope);
        Self {
            quotas: Scope::ALL.map(|scope| Class::ALL.map(|class| refused(class.as_str(), scope.as_str()))),
            at_once: refused("requests_at_once", Scope::Caller.as_str()),
            unauthenticated: refused("unauthenticated", "address"),
        }
    }

    /// A quota was used up.
    pub(super) fn refused(&self, scope: Scope, class: Class) {
        let classes = self.quotas.get(scope as usize);
        if let Some(counter) = classes.and_then(|classes| classes.get(class as usize)) {
            counter.increment(1);
        }
    }
}

/// Counts connections that were closed because their address had too many.
pub(super) fn connections() -> Counter {
    describe_counter!(REFUSED, MEANING);
    counter!(REFUSED, "class" => "connections", "scope" => "address")
}

/// How many connections are open, beside how many may be: who comes beyond that waits, and stands in no other figure.
pub(super) fn open_connections(most: usize) -> Gauge {
    describe_gauge!(OPEN, "Connections of clients that are open");
    describe_gauge!(MOST, "Connections of clients that may be open; further ones wait");
    gauge!(MOST).set(f64::from(u32::try_from(most).unwrap_or(u32::MAX)));
    gauge!(OPEN)
}
