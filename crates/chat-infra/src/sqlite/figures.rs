//! What is to be seen of the queues, by handles that are made once.

use metrics::{Gauge, describe_gauge, gauge};

use crate::figure::count;

const DEPTH: &str = "chat_sqlite_queue_depth";

/// The handles; clones are of the same figures.
#[derive(Clone)]
pub(super) struct Figures {
    reads: Gauge,
    writes: Gauge,
}

impl Figures {
    pub(super) fn new() -> Self {
        describe_gauge!(DEPTH, "Operations that wait for a thread of the SQLite store");
        Self { reads: gauge!(DEPTH, "queue" => "read"), writes: gauge!(DEPTH, "queue" => "write") }
    }

    /// So many wait.
    pub(super) fn waiting(&self, reads: usize, writes: usize) {
        self.reads.set(count(reads));
        self.writes.set(count(writes));
    }
}
