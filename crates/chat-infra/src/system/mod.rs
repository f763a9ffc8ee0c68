//! The machine's own clock and ids: the only place where the service asks for either.

mod clock;
mod ids;

pub use clock::SystemClock;
pub use ids::SystemIds;
