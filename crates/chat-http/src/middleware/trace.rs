//! The span of a request, with the id under which it is known and the trace to which it belongs.

use std::rc::Rc;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::{Error, HttpMessage as _};
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::RootSpanBuilder;

use chat_domain::fault::Faults;

use super::observe::ACCESS;
use crate::extract::single;

/// The longest request id that is taken from a client, in characters.
const MAX_REQUEST_ID: usize = 128;

/// The id under which a request is known: in its answer, in its problem and in the log.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Rc<str>);

/// The trace that a request belongs to, by W3C `traceparent`.
#[derive(Debug, PartialEq, Eq)]
struct TraceParent<'a> {
    trace_id: &'a str,
    span_id: &'a str,
}

/// Makes the span.
pub(crate) struct RootSpan;

impl RootSpanBuilder for RootSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = RequestId(request_id(request).into());
        let span = tracing::info_span!(
            // The target of the access event: whoever asks for that sees whose it is.
            target: ACCESS,
            "request",
            request_id = &*id.0,
            trace_id = Empty,
            parent_span_id = Empty,
        );
        request.extensions_mut().insert(id);
        if let Some(parent) = once(request.headers(), "traceparent").and_then(trace_parent) {
            span.record("trace_id", parent.trace_id);
            span.record("parent_span_id", parent.span_id);
        }
        span
    }

    /// The edge has said all there is to say.
    fn on_request_end<B: actix_web::body::MessageBody>(_: Span, _: &Result<ServiceResponse<B>, Error>) {}
}

fn once<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    single(headers, name, &mut Faults::none())
}

/// The client's id where it is sane, else a new one.
fn request_id(request: &ServiceRequest) -> String {
    let sent = once(request.headers(), "x-request-id").filter(|id| is_sane(id));
    let made = || request.extensions().get().map(tracing_actix_web::RequestId::to_string).unwrap_or_default();
    sent.map_or_else(made, str::to_owned)
}

/// Only what no log, header or document must escape, and no comma or space: with these proxies join two lines of a
/// header.
fn is_sane(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:=/+@;".contains(&byte);
    (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(allowed)
}

/// Reads `version-trace-span-flags`; of versions that are not known yet only the parts that all versions share.
fn trace_parent(text: &str) -> Option<TraceParent<'_>> {
    let mut parts = text.split('-');
    let (version, trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = |part: &str, length: usize| hex(part, length) && part.bytes().any(|byte| byte != b'0');
    let known = hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    let valid = known && id(trace_id, 32) && id(span_id, 16) && hex(flags, 2);
    valid.then_some(TraceParent { trace_id, span_id })
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

    #[test]
    fn a_traceparent_is_read_to_the_letter() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(trace_parent(good).unwrap().trace_id, "0af7651916cd43dd8448eb211c80319c");
        assert!(trace_parent(&good.replace("00-", "01-")).is_some());
        assert!(trace_parent(&(good.replace("00-", "01-") + "-more")).is_some());
        for bad in [
            "",
            "00",
            &good.to_uppercase(),
            &good.replace("00-", "ff-"),
            &format!("{good}-more"),
            &good.replace("b7ad6b7169203331", "0000000000000000"),
            &good.replace("0af7651916cd43dd8448eb211c80319c", "0af7"),
        ] {
            assert_eq!(trace_parent(bad), None, "{bad}");
        }
    }
}
