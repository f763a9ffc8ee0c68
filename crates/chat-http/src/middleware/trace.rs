//! The span of a request, with the id under which it is known and the trace to which it belongs.
//!
//! The log has a span of its own, which carries the ids into each of its lines; traces have another one within it.

mod parent;
mod traced;

use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage as _};
use chat_domain::fault::Faults;
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::RootSpanBuilder;

use self::parent::TraceParent;
pub(super) use self::traced::Traced;
pub(crate) use self::traced::call;
pub use self::traced::{TRACE_ROOT_TARGET, TRACE_TARGET};
use super::observe::ACCESS;
use crate::extract::single;

/// The longest request id that is taken from a client, in characters.
const MAX_REQUEST_ID: usize = 128;

/// The id under which a request is known: in its answer, in its problem and in the log.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Rc<str>);

/// Makes the span.
pub(crate) struct RootSpan;

impl RootSpanBuilder for RootSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = RequestId(request_id(request).into());
        // At the level of the gravest event that lies within it: a filter that takes a line takes its ids too.
        let span = tracing::error_span!(
            // The target of the access event: whoever asks for that sees whose it is.
            target: ACCESS,
            "request",
            request_id = &*id.0,
            trace_id = Empty,
            parent_span_id = Empty,
            span_id = Empty,
        );
        request.extensions_mut().insert(id);
        let parent = TraceParent::of(request.headers());
        if let Some(parent) = &parent {
            span.record("trace_id", parent.trace_id);
            span.record("parent_span_id", parent.span_id);
        }
        span
    }

    /// The edge has said all there is to say.
    fn on_request_end<B: MessageBody>(_: Span, _: &Result<ServiceResponse<B>, Error>) {}
}

/// The client's id where it is sane, else a new one.
fn request_id(request: &ServiceRequest) -> String {
    let sent = single(request.headers(), "x-request-id", &mut Faults::none()).filter(|id| is_sane(id));
    let made = || request.extensions().get().map(tracing_actix_web::RequestId::to_string).unwrap_or_default();
    sent.map_or_else(made, str::to_owned)
}

/// Only what no log, header or document must escape, and no comma or space: with these proxies join two lines of a
/// header.
fn is_sane(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:=/+@;".contains(&byte);
    (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_short_and_plain() {
        for good in ["a", "A-z_0.9", "Root=1-67891233-abcdef012345678912345678;Self=a:b/c+d@e", &"x".repeat(128)] {
            assert!(is_sane(good), "{good}");
        }
        for bad in ["", "a b", "a,b", "a\"b", "a\\b", "<a>", "ü", &"x".repeat(129)] {
            assert!(!is_sane(bad), "{bad}");
        }
    }
}
