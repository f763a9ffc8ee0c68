//! Shutting down on purpose: whoever balances load learns of it first, and no connection is kept for another request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the service is shutting down. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Drain(Arc<AtomicBool>);

impl Drain {
    /// Begins: from now on `/health/ready` says 503, and each answer closes its connection. Requests are still served.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it has begun.
    pub fn is_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
