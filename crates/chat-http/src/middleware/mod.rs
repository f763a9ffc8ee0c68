//! What holds for every request, whichever route it takes.

mod cors;
mod edge;
mod encoding;
mod figures;
mod hardening;
mod observe;
mod sample;
mod tied;
mod trace;
mod unread;

pub use cors::{CorsOrigins, InvalidOrigin};
pub(crate) use edge::edge;
pub use figures::DURATION_METRIC;
pub(crate) use figures::describe_figures;
pub(crate) use hardening::{OWN_PAGE, harden};
pub(crate) use observe::{Observer, tell_of_health};
pub use sample::{InvalidShare, LogShare};
pub(crate) use tied::Tied;
pub(crate) use trace::{RootSpan, call};
pub use trace::{TRACE_ROOT_TARGET, TRACE_TARGET};
