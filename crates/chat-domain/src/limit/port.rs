//! The port of what keeps count.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use super::quota::{Class, Quota, Scope, Work};
use crate::access::Caller;

/// How a caller stands under one quota, after its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The quota.
    pub quota: Quota,
    /// How many may come at once now; a hint, no promise.
    pub left: u32,
    /// How long until a whole burst may come again, where nothing comes meanwhile.
    pub full_in: Duration,
}

/// How a caller stands under each of its quotas that its request counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standings {
    /// Under that of requests.
    pub requests: Option<Standing>,
    /// Under that of messages.
    pub messages: Option<Standing>,
}

impl Standings {
    /// Notes how the caller stands under one quota.
    pub const fn set(&mut self, class: Class, standing: Standing) {
        match class {
            Class::Requests => self.requests = Some(standing),
            Class::Messages => self.messages = Some(standing),
        }
    }
}

/// Which quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Whose it is.
    pub scope: Scope,
    /// What it counts.
    pub class: Class,
    /// The quota.
    pub quota: Quota,
    /// How long until something is left, above zero.
    pub retry_after: Duration,
}

/// What a limiter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go on; so the caller stands.
    Allowed(Standings),
    /// Not now. Nothing was taken.
    Refused(Refusal),
}

/// A decision, mostly there at once.
pub enum Taking {
    /// Decided without waiting for anybody.
    Decided(Decision),
    /// Others have to be asked.
    Waiting(Pin<Box<dyn Future<Output = Decision> + Send>>),
}

impl Taking {
    /// The decision, once it is there.
    pub async fn decision(self) -> Decision {
        match self {
            Self::Decided(decision) => decision,
            Self::Waiting(decision) => decision.await,
        }
    }
}

impl fmt::Debug for Taking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decided(decision) => f.debug_tuple("Decided").field(decision).finish(),
            Self::Waiting(_) => f.write_str("Waiting"),
        }
    }
}

/// Keeps count of what callers and tenants ask for, and says when it is too much.
///
/// Asked before each request, so the answer must cost next to nothing: it comes without waiting, and without a future,
/// wherever the adapter has what it needs at hand. An adapter that shares its count with other nodes waits a tenth of a
/// second at the very most, and where it cannot share it limits by itself: a limiter never fails.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait RateLimiter: Send + Sync + 'static {
    /// Takes what the work counts as from the caller's quotas and from its tenant's, from all of them or from none.
    fn take(&self, caller: &Caller, work: Work) -> Taking;
}
