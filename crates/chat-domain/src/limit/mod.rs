//! How much one caller and one tenant may ask of the service, so that one's flood is not another's outage.
//!
//! What counts for what is [`Work::counts_as`]; how a quota is used up and comes back is [`Bucket`]; both are pure. An
//! adapter keeps the buckets and the time.

mod bucket;
mod port;
mod quota;

pub use bucket::{Bucket, Buckets, UsedUp};
pub use port::{Decision, RateLimiter, Refusal, Standing, Standings, Taking};
pub use quota::{Class, Limits, Quota, Quotas, Scope, Work};
