//! Who decides what becomes of a message that waits: its caller, who may give it up, or its writer, who begins with it.
//!
//! One flag that either gets first. What was given up is never written, and what is being written is never said not to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const WAITING: u8 = 0;
const WRITING: u8 = 1;
const GIVEN_UP: u8 = 2;

/// The flag of one job. A clone is a handle on the same flag.
#[derive(Clone)]
pub(super) struct Claim(Arc<AtomicU8>);

impl Claim {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(WAITING)))
    }

    /// The writer begins; `false` where the caller has given up.
    pub(super) fn begin(&self) -> bool {
        self.swap(WRITING)
    }

    /// The writer has written nothing, and will begin again.
    pub(super) fn put_back(&self) {
        self.0.store(WAITING, Ordering::Release);
    }

    /// The caller gives up; `false` where the writer is writing, or has answered.
    pub(super) fn give_up(&self) -> bool {
        self.swap(GIVEN_UP)
    }

    /// Whether the caller has given up.
    pub(super) fn is_given_up(&self) -> bool {
        self.0.load(Ordering::Acquire) == GIVEN_UP
    }

    fn swap(&self, next: u8) -> bool {
        self.0.compare_exchange(WAITING, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}
