//! The limits of one node, in the memory of the process.

use std::time::{Duration, Instant};

use chat_domain::access::Caller;
use chat_domain::id::TenantId;
use chat_domain::limit::{Buckets, Decision, Limits, Quotas, RateLimiter, Scope, Taking, Work};

use super::keyed::{Forgettable, Keyed};

/// So many callers may be in the middle of a quota at once; each takes some 150 bytes.
pub(crate) const CALLERS: usize = 131_072;
/// So many tenants.
pub(crate) const TENANTS: usize = 16_384;

impl Forgettable for Buckets {
    fn is_idle(&self, now: Duration) -> bool {
        self.are_full(now)
    }
}

/// Keeps count in the process. It never waits, and decides in a fraction of a microsecond.
///
/// Whoever has its whole burst again is forgotten. Where more than 131,072 callers have not, those that come last share
/// one quota for as long as that lasts.
pub struct InProcessLimiter {
    limits: Limits,
    start: Instant,
    callers: Keyed<Caller, Buckets>,
    tenants: Keyed<TenantId, Buckets>,
}

impl InProcessLimiter {
    /// A limiter that nobody has used yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, start: Instant::now(), callers: Keyed::new(CALLERS), tenants: Keyed::new(TENANTS) }
    }

    fn decide(&self, caller: &Caller, work: Work) -> Decision {
        let (limits, now) = (&self.limits, self.start.elapsed());
        let own = self.callers.with(caller, now, |own| own.take(&limits.caller, work, now));
        let standings = match own {
            Ok(standings) => standings,
            Err(used_up) => return Decision::Refused(used_up.of(Scope::Caller)),
        };
        if limits.tenant == Quotas::default() {
            return Decision::Allowed(standings);
        }
        match self.tenants.with(caller.tenant(), now, |all| all.take(&limits.tenant, work, now)) {
            Ok(_) => Decision::Allowed(standings),
            Err(used_up) => {
                self.callers.with_known(caller, |own| own.give_back(&limits.caller, work));
                Decision::Refused(used_up.of(Scope::Tenant))
            }
        }
    }
}

impl RateLimiter for InProcessLimiter {
    fn take(&self, caller: &Caller, work: Work) -> Taking {
        Taking::Decided(self.decide(caller, work))
    }
}
