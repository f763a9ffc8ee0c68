//! The trace that a caller says its request belongs to, by W3C Trace Context.

use actix_web::http::header::HeaderMap;
use chat_domain::fault::Faults;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};

use crate::extract::single;

/// The longest `tracestate` that is passed on, in bytes.
const MAX_STATE: usize = 512;

/// What `traceparent` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceParent<'a> {
    pub(super) trace_id: &'a str,
    pub(super) span_id: &'a str,
    flags: &'a str,
}

impl<'a> TraceParent<'a> {
    /// The caller's, where the header stands once and is sound.
    pub(super) fn of(headers: &'a HeaderMap) -> Option<Self> {
        single(headers, "traceparent", &mut Faults::none()).and_then(Self::read)
    }

    /// Reads `version-trace-span-flags`; of versions that are not known yet only the parts that all versions share.
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let id = |part: &str, length: usize| hex(part, length) && part.bytes().any(|byte| byte != b'0');
        let known = hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
        let valid = known && id(trace_id, 32) && id(span_id, 16) && hex(flags, 2);
        valid.then_some(Self { trace_id, span_id, flags })
    }

    /// The context that a span of ours continues.
    pub(super) fn context(&self, headers: &HeaderMap) -> Context {
        let trace_id = TraceId::from_hex(self.trace_id).unwrap_or(TraceId::INVALID);
        let span_id = SpanId::from_hex(self.span_id).unwrap_or(SpanId::INVALID);
        let flags = TraceFlags::new(u8::from_str_radix(self.flags, 16).unwrap_or_default()) & TraceFlags::SAMPLED;
        let state = state(headers).unwrap_or_default();
        Context::new().with_remote_span_context(SpanContext::new(trace_id, span_id, flags, true, state))
    }
}

/// What other systems want to be passed along with the trace; left out where it is too long or unsound.
fn state(headers: &HeaderMap) -> Option<TraceState> {
    let parts = headers.get_all("tracestate").map(|part| part.to_str().ok()).collect::<Option<Vec<_>>>()?;
    if parts.iter().map(|part| part.len()).sum::<usize>() > MAX_STATE {
        return None;
    }
    let members = parts.iter().flat_map(|part| part.split(',')).map(str::trim).filter(|member| !member.is_empty());
    let pair = |member: &'_ str| member.split_once('=').filter(|(key, _)| !key.is_empty()).map(owned);
    TraceState::from_key_value(members.map(pair).collect::<Option<Vec<_>>>()?).ok()
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        lines.iter().map(line).collect()
    }

    fn continued(lines: &[(&'static str, &'static str)]) -> SpanContext {
        let headers = headers(lines);
        TraceParent::of(&headers).unwrap().context(&headers).span().span_context().clone()
    }

    #[test]
    fn a_traceparent_is_read_to_the_letter() {
        assert_eq!(TraceParent::read(GOOD).unwrap().trace_id, "0af7651916cd43dd8448eb211c80319c");
        assert!(TraceParent::read(&GOOD.replace("00-", "01-")).is_some());
        assert!(TraceParent::read(&(GOOD.replace("00-", "01-") + "-more")).is_some());
        for bad in [
            "",
            "00",
            &GOOD.to_uppercase(),
            &GOOD.replace("00-", "ff-"),
            &format!("{GOOD}-more"),
            &GOOD.replace("b7ad6b7169203331", "0000000000000000"),
            &GOOD.replace("0af7651916cd43dd8448eb211c80319c", "0af7"),
        ] {
            assert_eq!(TraceParent::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_trace_is_continued_with_its_decision_and_its_state() {
        let context = continued(&[("traceparent", GOOD), ("tracestate", "a=1"), ("tracestate", "b=2, c=3")]);
        assert_eq!(context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.span_id().to_string(), "b7ad6b7169203331");
        assert!(context.is_sampled() && context.is_remote());
        assert_eq!(context.trace_state().header(), "a=1,b=2,c=3");
        let not_sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02";
        assert!(!continued(&[("traceparent", not_sampled)]).is_sampled());
    }

    #[test]
    fn a_state_that_is_unsound_does_not_lose_the_trace() {
        for state in ["nonsense", "=", Box::leak("x".repeat(600).into_boxed_str())] {
            let context = continued(&[("traceparent", GOOD), ("tracestate", state)]);
            assert!(context.is_valid() && context.trace_state().header().is_empty(), "{state}");
        }
    }
}
