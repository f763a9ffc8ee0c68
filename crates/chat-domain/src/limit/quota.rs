//! What is limited, and by how much.

use std::num::NonZeroU32;
use std::time::Duration;

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Requests of every kind.
    Requests,
    /// Messages written.
    Messages,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 2] = [Self::Requests, Self::Messages];

    /// The name under which clients and operators know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Messages => "messages",
        }
    }
}

/// Whose quota it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One caller's: its tenant, its id and its role together.
    Caller,
    /// That of all callers of a tenant together.
    Tenant,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 2] = [Self::Caller, Self::Tenant];

    /// The name under which operators know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Tenant => "tenant",
        }
    }
}

/// What a caller asks for, as far as limits tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Anything but writing a message.
    Request,
    /// Writing a message, whatever comes of it: a replay and a refusal have cost as much.
    Message,
}

impl Work {
    /// What the work counts as. A message is a request too, so that a limit on messages can only be the narrower one.
    #[must_use]
    pub const fn counts_as(self) -> &'static [Class] {
        match self {
            Self::Request => &[Class::Requests],
            Self::Message => &[Class::Requests, Class::Messages],
        }
    }
}

/// So many at once, and so many a second for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    burst: NonZeroU32,
    rate: NonZeroU32,
    /// Made once, since it is wanted for each request.
    interval: Duration,
    refill: Duration,
}

impl Quota {
    /// The highest rate, a second.
    pub const MAX_RATE: u32 = 1_000_000;
    /// The largest burst.
    pub const MAX_BURST: u32 = 100_000_000;

    /// A quota; what lies above [`MAX_RATE`](Self::MAX_RATE) or [`MAX_BURST`](Self::MAX_BURST) is cut down to it.
    #[must_use]
    pub const fn new(burst: NonZeroU32, rate: NonZeroU32) -> Self {
        let (burst, rate) = (at_most(burst, Self::MAX_BURST), at_most(rate, Self::MAX_RATE));
        // Cut up to nanoseconds, so that never more come back than the rate says.
        let interval = Duration::from_nanos(1_000_000_000_u64.div_ceil(rate.get() as u64));
        Self { burst, rate, interval, refill: interval.saturating_mul(burst.get()) }
    }

    /// So many may come at once, after a while without any.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst.get()
    }

    /// So many come back a second.
    #[must_use]
    pub const fn rate(self) -> u32 {
        self.rate.get()
    }

    /// How long one takes to come back.
    #[must_use]
    pub const fn interval(self) -> Duration {
        self.interval
    }

    /// How long a burst takes to come back.
    #[must_use]
    pub const fn refill(self) -> Duration {
        self.refill
    }
}

const fn at_most(value: NonZeroU32, limit: u32) -> NonZeroU32 {
    match NonZeroU32::new(limit) {
        Some(limit) if limit.get() < value.get() => limit,
        _ => value,
    }
}

/// The quotas of one scope; `None` for what is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quotas {
    /// Requests of every kind.
    pub requests: Option<Quota>,
    /// Messages written.
    pub messages: Option<Quota>,
}

impl Quotas {
    /// The quota of a class.
    #[must_use]
    pub const fn of(&self, class: Class) -> Option<Quota> {
        match class {
            Class::Requests => self.requests,
            Class::Messages => self.messages,
        }
    }
}

/// All quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Of each caller.
    pub caller: Quotas,
    /// Of each tenant.
    pub tenant: Quotas,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(burst: u32, rate: u32) -> Quota {
        Quota::new(burst.try_into().unwrap(), rate.try_into().unwrap())
    }

    #[test]
    fn no_more_comes_back_than_the_rate_says() {
        for rate in [1, 3, 7, 100, 999_983, 1_000_000] {
            assert!(quota(1, rate).interval() * rate >= Duration::from_secs(1), "{rate}");
        }
    }

    #[test]
    fn a_quota_is_cut_to_what_can_be_counted() {
        let greatest = quota(u32::MAX, u32::MAX);
        assert_eq!((greatest.burst(), greatest.rate()), (Quota::MAX_BURST, Quota::MAX_RATE));
        assert!(quota(Quota::MAX_BURST, 1).refill() > Duration::from_secs(99_999_999));
    }

    #[test]
    fn a_message_is_a_request_too() {
        assert_eq!(Work::Request.counts_as(), [Class::Requests]);
        assert_eq!(Work::Message.counts_as(), Class::ALL);
    }
}
