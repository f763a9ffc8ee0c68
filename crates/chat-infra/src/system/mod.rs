//! The machine's own clock and ids, the only place where the service asks for either; and the log as the audit's.

mod audit;
mod clock;
mod ids;

pub use audit::TracedAudit;
pub use clock::SystemClock;
pub use ids::SystemIds;
