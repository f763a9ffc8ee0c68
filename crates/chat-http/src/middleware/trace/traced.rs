//! What a trace shows of a request: where it came in, and which service it called. Names follow OpenTelemetry's
//! conventions for HTTP servers, without what may name a person: paths stand as routes, queries not at all.
//!
//! These spans are for traces alone: the log leaves them out. While nobody traces, each costs a comparison.

use std::cell::Cell;

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, StatusCode};
use opentelemetry::trace::TraceContextExt as _;
use tracing::field::{Empty, display};
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::parent::TraceParent;
use crate::middleware::figures::method_name;

/// The target of the spans with which traces begin, for whoever decides what is traced.
pub const TRACE_ROOT_TARGET: &str = "chat_http::trace::request";
/// The target of the other spans for traces.
pub const TRACE_TARGET: &str = "chat_http::trace";

/// A request as traces see it, or as they do not.
pub(in crate::middleware) struct Traced {
    span: Span,
    answered: Cell<bool>,
}

impl Traced {
    /// Begins, within the log's span of the request, which learns the ids. Nothing is begun where the request is not
    /// sampled: that leaves out all that would lie below.
    pub(in crate::middleware) fn begin(request: &ServiceRequest) -> Self {
        let span = if tracing::span_enabled!(target: TRACE_ROOT_TARGET, Level::INFO) { sampled(request) } else { None };
        Self { span: span.unwrap_or_else(Span::none), answered: Cell::new(false) }
    }

    /// The span; a disabled one where the request is not traced.
    pub(in crate::middleware) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Says how the request was answered, and with which problem.
    pub(in crate::middleware) fn answered(
        &self,
        request: &HttpRequest,
        status: StatusCode,
        problem: Option<&'static str>,
    ) {
        self.answered.set(true);
        if self.span.is_disabled() {
            return;
        }
        self.span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            self.failed(problem.unwrap_or(status.as_str()));
        }
        if let Some(route) = request.match_pattern() {
            self.span.record("http.route", &*route);
            self.span.context().span().update_name(format!("{} {route}", method(request.method())));
        }
    }

    fn failed(&self, why: &str) {
        self.span.record("otel.status_code", "ERROR");
        self.span.record("error.type", why);
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if !self.answered.get() {
            self.failed("client_gone");
        }
    }
}

fn sampled(request: &ServiceRequest) -> Option<Span> {
    let parent = TraceParent::of(request.headers());
    if parent.is_none() && is_probe(request.path()) {
        return None;
    }
    let log = Span::current();
    let span = tracing::info_span!(
        target: TRACE_ROOT_TARGET,
        "request",
        otel.name = method(request.method()),
        otel.kind = "server",
        otel.status_code = Empty,
        "http.request.method" = method(request.method()),
        "http.route" = Empty,
        "http.response.status_code" = Empty,
        "error.type" = Empty,
    );
    if let Some(parent) = &parent {
        // The span was made just now, so that nothing keeps it from having a parent.
        _ = span.set_parent(parent.context(request.headers()));
    }
    let context = span.context();
    let ids = context.span().span_context().clone();
    if parent.is_none() {
        log.record("trace_id", display(ids.trace_id()));
    }
    log.record("span_id", display(ids.span_id()));
    ids.is_sampled().then_some(span)
}

/// A handler's one call of a service, in a span of its own, under the name that the interface's description gives it.
pub(crate) fn call<F: Future>(name: &'static str, service: F) -> Instrumented<F> {
    service.instrument(tracing::info_span!(target: TRACE_TARGET, "call", otel.name = name))
}

/// A method that is none of HTTP's own must not make names of its own.
fn method(method: &Method) -> &'static str {
    match method_name(method) {
        "other" => "_OTHER",
        name => name,
    }
}

/// Probes and scrapes would bury everything else; they are traced only where their caller traces them.
fn is_probe(path: &str) -> bool {
    path == "/metrics" || path.starts_with("/health") || path.ends_with("/health")
}
