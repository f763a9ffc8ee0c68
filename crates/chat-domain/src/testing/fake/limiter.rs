//! A limiter that keeps exact count by a clock that a test moves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::FakeClock;
use crate::access::Caller;
use crate::clock::Clock as _;
use crate::id::TenantId;
use crate::limit::{Buckets, Decision, Limits, RateLimiter, Scope, Taking, Work};

/// A limiter that forgets nobody. A clone is a handle on the same count.
#[derive(Debug, Clone)]
pub struct FakeRateLimiter {
    limits: Limits,
    clock: FakeClock,
    books: Arc<Mutex<Books>>,
}

#[derive(Debug, Default)]
struct Books {
    callers: HashMap<Caller, Buckets>,
    tenants: HashMap<TenantId, Buckets>,
}

impl FakeRateLimiter {
    /// A limiter that nobody has used yet, and that lives by this clock.
    #[must_use]
    pub fn new(limits: Limits, clock: FakeClock) -> Self {
        Self { limits, clock, books: Arc::default() }
    }

    fn now(&self) -> Duration {
        Duration::from_micros(self.clock.now().as_micros().unsigned_abs())
    }
}

impl RateLimiter for FakeRateLimiter {
    fn take(&self, caller: &Caller, work: Work) -> Taking {
        let (limits, now) = (&self.limits, self.now());
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let Books { callers, tenants } = &mut *books;
        let refused = |refusal| Taking::Decided(Decision::Refused(refusal));
        let own = callers.entry(caller.clone()).or_default();
        let standings = match own.take(&limits.caller, work, now) {
            Ok(standings) => standings,
            Err(used_up) => return refused(used_up.of(Scope::Caller)),
        };
        if let Err(used_up) = tenants.entry(caller.tenant().clone()).or_default().take(&limits.tenant, work, now) {
            own.give_back(&limits.caller, work);
            return refused(used_up.of(Scope::Tenant));
        }
        Taking::Decided(Decision::Allowed(standings))
    }
}
