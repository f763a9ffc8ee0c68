//! The seam through which each operation of a store or a cache goes: here it has a name, is timed, is counted where it
//! fails, and is traced.
//!
//! Adapters keep their connections in an `Observed`, which gives them out for one named operation at a time, so that
//! none can be left out. The handles of the figures are made once, when a store is opened: an operation costs two
//! readings of the clock and no lookup, allocation or lock. A span costs a comparison while nobody traces.
//!
//! - `name`: the operations, the systems that they are asked of, the kinds of failure.
//! - `figures`: the handles.
//! - `observed`: one operation, from beginning to end.
//! - `span`: what a trace shows, and how it goes along to other tasks and threads.

mod figures;
mod name;
mod observed;
mod span;

pub(crate) use name::{Classify, Fault, Operation, System};
pub(crate) use observed::Observed;
pub use span::TRACE_TARGET;
pub(crate) use span::{carried, failed, part, shared, statement, traceparent};
