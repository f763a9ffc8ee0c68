//! Adapters that need nothing but the process, for a single node.

mod bus;
pub(crate) mod keyed;
pub(crate) mod limiter;
mod probe;

pub use bus::{InProcessBus, InProcessBusConfig};
pub use limiter::InProcessLimiter;
pub use probe::AlwaysUp;
