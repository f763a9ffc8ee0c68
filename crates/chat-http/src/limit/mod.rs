//! Limits: how much a caller and its tenant may ask, how much a caller may ask at once, how often an address may fail to
//! say who calls, how many connections it may hold.
//!
//! The gate asks here as soon as it knows who calls, before anything else is done for the request. In the open mode all
//! callers are one, and only connections are limited.
//!
//! - `serve`: a request of a known caller. `strangers`: those that nobody knows.
//! - `connections`: before any request; all of them are counted here, limited or not.
//! - `header`: what answers tell. `unsent`: the body of a refused request.
//! - `slots`: counting what is held at once. `figures`: what is counted.

mod connections;
mod figures;
mod header;
mod serve;
mod slots;
mod strangers;
mod unsent;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServiceRequest;
use actix_web::web;
use chat_domain::access::Caller;
use chat_domain::limit::{Quota, Quotas, RateLimiter};

use self::figures::Figures;
use self::header::Policies;
use self::slots::Slots;
use self::strangers::Strangers;
use crate::gate::client_address;
use crate::problem::Problem;

pub use self::connections::ConnectionLimit;
pub(crate) use self::connections::{Connections, Held};
pub(crate) use self::serve::serve;

/// What holds callers and strangers back, on this node or on all of them. Clones share one count.
#[derive(Clone)]
pub struct Limiting(Arc<Inner>);

struct Inner {
    limiter: Arc<dyn RateLimiter>,
    policies: Policies,
    at_once: Option<Arc<Slots<Caller>>>,
    strangers: Option<Strangers>,
    figures: Figures,
}

/// The limits beside those of the limiter.
#[derive(Debug, Clone, Copy, Default)]
pub struct LimitSettings {
    /// The quotas of each caller, as answers tell them; the limiter's own.
    pub caller: Quotas,
    /// The most requests of one caller that are served at once on this node; `None` for any number.
    pub requests_at_once: Option<NonZeroUsize>,
    /// How often requests of one address may come without a known caller; `None` for any number.
    pub unauthenticated: Option<Quota>,
}

impl Limiting {
    /// Limits by this limiter, and by these settings beside it.
    #[must_use]
    pub fn new(limiter: Arc<dyn RateLimiter>, settings: &LimitSettings) -> Self {
        Self(Arc::new(Inner {
            limiter,
            policies: Policies::new(&settings.caller),
            at_once: settings.requests_at_once.map(|most| Arc::new(Slots::new(most.get()))),
            strangers: settings.unauthenticated.map(Strangers::new),
            figures: Figures::new(),
        }))
    }
}

/// Where too many from the address of the request came without a caller: what refuses it, should it come without one too.
pub(crate) fn held_up(request: &ServiceRequest) -> Option<impl FnOnce() -> Problem> {
    let (limits, strangers, address) = strangers(request)?;
    let wait = strangers.may_try(address).err()?;
    Some(move || limits.stranger(wait))
}

/// A request came without a caller.
///
/// # Errors
/// Where that is one too many from its address.
pub(crate) fn failed(request: &ServiceRequest) -> Result<(), Problem> {
    let Some((limits, strangers, address)) = strangers(request) else { return Ok(()) };
    strangers.failed(address).map_err(|wait| limits.stranger(wait))
}

/// The limits, where there is one on strangers, and the address that it holds for.
fn strangers(request: &ServiceRequest) -> Option<(&Inner, &Strangers, IpAddr)> {
    let limits = &*request.app_data::<web::Data<Limiting>>()?.0;
    Some((limits, limits.strangers.as_ref()?, client_address(request.request())?))
}

impl Inner {
    /// Refuses a request without a caller.
    fn stranger(&self, wait: Duration) -> Problem {
        self.figures.unauthenticated.increment(1);
        let detail = "Too many requests from your address did not say who calls. Try again later.";
        serve::limited(detail, header::seconds(wait))
    }
}
