//! Adapters that need nothing but the process: for a single node, and as the near half of what several nodes share.

mod bus;
mod cache;
mod probe;

pub use bus::{InProcessBus, InProcessBusConfig};
pub use cache::{InProcessCache, InProcessCacheConfig};
pub use probe::AlwaysUp;
