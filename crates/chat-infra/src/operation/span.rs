//! What a trace shows of an operation, of a statement, and of work that is done for several callers at once.
//!
//! Spans of this target are for traces alone: the log leaves them out. While nobody traces, making one costs a
//! comparison, and so does everything here.

use opentelemetry::trace::TraceContextExt as _;
use tracing::field::Empty;
use tracing::{Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::name::{Call, Fault, System};

/// The target of the spans of operations and statements, for whoever decides what is traced.
pub const TRACE_TARGET: &str = "chat_infra::trace";

/// The span of an operation. Holds its name, and never anything of what it is about.
pub(super) fn operation(system: System, call: Call) -> Span {
    tracing::info_span!(
        target: TRACE_TARGET,
        "operation",
        otel.name = call.operation.name(),
        otel.status_code = Empty,
        "db.system.name" = system.convention(),
        "db.operation.name" = call.operation.name(),
        "batch.size" = call.batch,
        "error.type" = Empty,
    )
}

/// The span of one statement, or of another round trip; known by a name that was written down with it, never by its
/// text or its values.
pub(crate) fn statement(system: System, name: &'static str) -> Span {
    tracing::info_span!(
        target: TRACE_TARGET,
        "statement",
        otel.name = name,
        otel.kind = "client",
        otel.status_code = Empty,
        "db.system.name" = system.convention(),
        "db.query.summary" = name,
        "error.type" = Empty,
    )
}

/// The span of work between a request and its operations, by the name of the part that does it: waiting for others, or
/// working for so many of them at once.
pub(crate) fn part(name: &'static str, batch: Option<usize>) -> Span {
    tracing::info_span!(target: TRACE_TARGET, "part", otel.name = name, "batch.size" = batch)
}

/// Says on the span how its work failed.
pub(crate) fn failed(span: &Span, fault: Fault) {
    if !span.is_disabled() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", fault.name());
    }
}

/// The span that is being traced now, to be taken along by work that goes to another task or thread; a disabled one where
/// nothing is traced.
pub(crate) fn carried() -> Span {
    if tracing::span_enabled!(target: TRACE_TARGET, Level::INFO) { Span::current() } else { Span::none() }
}

/// The `traceparent` to send along with a call over HTTP, where the present work is traced.
pub(crate) fn traceparent() -> Option<String> {
    let context = carried().context();
    let span = context.span();
    let span = span.span_context();
    let flags = span.trace_flags().to_u8();
    span.is_valid().then(|| format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id()))
}

/// The span of work that is done once for all who wait, each in a span of its own. It is a child of the first that is
/// traced. The others are of other traces, which a child cannot have: they and it are linked, both ways.
pub(crate) fn shared<'s>(waiting: impl IntoIterator<Item = &'s Span>, make: impl FnOnce() -> Span) -> Span {
    let mut traced = waiting.into_iter().filter(|span| !span.is_disabled());
    let Some(first) = traced.next() else { return Span::none() };
    let span = first.in_scope(make);
    for other in traced {
        span.follows_from(other);
        other.follows_from(&span);
    }
    span
}
