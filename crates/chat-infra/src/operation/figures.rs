//! The figures of operations: how long they took, and how they failed.

use std::time::Instant;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

use super::name::{Fault, Operation, System};

const DURATION: &str = "chat_store_operation_duration_seconds";
const ERRORS: &str = "chat_store_errors_total";

/// Tells those who read the figures what they mean.
fn describe() {
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "Time that an operation of a store or cache took, waiting included, by store and operation"
    );
    describe_counter!(ERRORS, "Operations of a store or cache that failed, by store, operation and kind");
}

/// The handles of one store, made once: whatever it knows is there from then on, at zero.
pub(crate) struct Figures {
    pub(super) system: System,
    /// In the order of [`Operation::ALL`].
    operations: [OfOperation; Operation::ALL.len()],
}

struct OfOperation {
    duration: Histogram,
    /// In the order of [`Fault::ALL`].
    errors: [Counter; Fault::ALL.len()],
}

impl Figures {
    /// The handles, with whatever takes the figures by now.
    pub(crate) fn new(system: System) -> Self {
        describe();
        Self { system, operations: Operation::ALL.map(|operation| OfOperation::new(system, operation)) }
    }

    /// Starts the clock of an operation.
    pub(super) fn begin(&self, operation: Operation) -> Running<'_> {
        Running { figures: self.operations.get(operation as usize), begun: Instant::now() }
    }
}

impl OfOperation {
    fn new(system: System, operation: Operation) -> Self {
        let (store, name) = (system.label(), operation.name());
        if !system.knows(operation) {
            return Self { duration: Histogram::noop(), errors: Fault::ALL.map(|_| Counter::noop()) };
        }
        Self {
            duration: histogram!(DURATION, "store" => store, "operation" => name),
            errors: Fault::ALL
                .map(|fault| counter!(ERRORS, "store" => store, "operation" => name, "kind" => fault.name())),
        }
    }
}

/// An operation under way. Timed until this is dropped, also where nobody waited for its end.
pub(super) struct Running<'f> {
    figures: Option<&'f OfOperation>,
    begun: Instant,
}

impl Running<'_> {
    /// Counts how it failed.
    pub(super) fn failed(&self, fault: Fault) {
        if let Some(counter) = self.figures.and_then(|figures| figures.errors.get(fault as usize)) {
            counter.increment(1);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(figures) = self.figures {
            figures.duration.record(self.begun.elapsed().as_secs_f64());
        }
    }
}
