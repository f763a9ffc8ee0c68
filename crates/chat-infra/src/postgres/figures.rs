//! What is counted of the pool, by handles that are made once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use metrics::{Gauge, Histogram, Unit, describe_gauge, describe_histogram, gauge, histogram};

use crate::figure::count;

const MAX: &str = "chat_postgres_pool_max_connections";
const OPEN: &str = "chat_postgres_pool_connections";
const IN_USE: &str = "chat_postgres_pool_in_use";
const WAITING: &str = "chat_postgres_pool_waiting";
const WAIT: &str = "chat_postgres_pool_wait_seconds";

/// The handles; clones are of the same figures.
#[derive(Clone)]
pub(super) struct Figures {
    max: Gauge,
    open: Gauge,
    in_use: Gauge,
    waiting: Gauge,
    wait_for_connection: Histogram,
    wait_for_turn: Histogram,
    waiters: Arc<AtomicUsize>,
}

impl Figures {
    pub(super) fn new() -> Self {
        describe_gauge!(MAX, "Connections that the pool may have");
        describe_gauge!(OPEN, "Connections that the pool has");
        describe_gauge!(IN_USE, "Connections of the pool that are at work");
        describe_gauge!(WAITING, "Operations that wait for a connection, or for their turn to write");
        describe_histogram!(WAIT, Unit::Seconds, "Time for which an operation waited for a connection or for its turn");
        Self {
            max: gauge!(MAX),
            open: gauge!(OPEN),
            in_use: gauge!(IN_USE),
            waiting: gauge!(WAITING),
            wait_for_connection: histogram!(WAIT, "for" => "connection"),
            wait_for_turn: histogram!(WAIT, "for" => "turn"),
            waiters: Arc::default(),
        }
    }

    /// Somebody waits for a connection, for as long as this lives.
    pub(super) fn wait_for_connection(&self) -> Wait<'_> {
        Wait::new(&self.wait_for_connection, &self.waiters)
    }

    /// Somebody waits for a permit to write, for as long as this lives.
    pub(super) fn wait_for_turn(&self) -> Wait<'_> {
        Wait::new(&self.wait_for_turn, &self.waiters)
    }

    /// So many connections the pool may have, has, and has at work at the moment.
    pub(super) fn seen(&self, max: usize, open: usize, in_use: usize) {
        self.max.set(count(max));
        self.open.set(count(open));
        self.in_use.set(count(in_use));
        self.waiting.set(count(self.waiters.load(Ordering::Relaxed)));
    }
}

/// Somebody who waits. Timed until this is dropped, also where it was in vain.
pub(super) struct Wait<'f> {
    time: &'f Histogram,
    waiters: &'f AtomicUsize,
    begun: Instant,
}

impl<'f> Wait<'f> {
    fn new(time: &'f Histogram, waiters: &'f AtomicUsize) -> Self {
        waiters.fetch_add(1, Ordering::Relaxed);
        Self { time, waiters, begun: Instant::now() }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.waiters.fetch_sub(1, Ordering::Relaxed);
        self.time.record(self.begun.elapsed());
    }
}
