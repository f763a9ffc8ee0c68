//! What holds for every request, whichever route it takes.

mod cors;
mod edge;
mod encoding;
mod observe;
mod tied;
mod trace;
mod unread;

pub use cors::{CorsOrigins, InvalidOrigin};
pub(crate) use edge::edge;
pub use observe::DURATION_METRIC;
pub(crate) use observe::describe_figures;
pub(crate) use trace::RootSpan;
