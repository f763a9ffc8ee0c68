//! Metadata: a JSON object of the client's own, kept as text so that it comes back equal to what was sent.
//!
//! No store gets to interpret it: a number keeps all its digits and its sign of zero.

mod merge;
mod minify;
mod model;
mod scan;

pub use merge::MergePatch;
pub use model::Metadata;
