//! One event and a few figures for each request. Never content, never a query, never what a user is called.

use std::time::{Duration, Instant};

use actix_web::HttpMessage as _;
use actix_web::HttpRequest;
use actix_web::http::{Method, StatusCode};
use chat_domain::access::Caller;
use chat_domain::id::{MessageId, SessionId};
use metrics::{counter, gauge, histogram};

use super::trace::{RequestId, TraceParent};

/// The name of the histogram of latencies, in seconds, for those who set its buckets.
pub const DURATION_METRIC: &str = "chat_http_request_duration_seconds";
const REQUESTS: &str = "chat_http_requests_total";
const IN_FLIGHT: &str = "chat_http_requests_in_flight";

/// A request under way; counted for as long as this lives, also where its client goes away.
pub(super) struct UnderWay {
    begun: Instant,
}

impl UnderWay {
    pub(super) fn begin() -> Self {
        gauge!(IN_FLIGHT).increment(1.0);
        Self { begun: Instant::now() }
    }

    /// Tells what became of the request.
    pub(super) fn end(&self, request: &HttpRequest, status: StatusCode, code: Option<&'static str>) {
        let elapsed = self.begun.elapsed();
        let route = request.match_pattern();
        let route = route.as_deref().unwrap_or("unmatched");
        count(request.method(), route, status, elapsed);
        tell(request, route, status, code, elapsed);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1.0);
    }
}

/// A method that a client made up must not make a series of figures of its own.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn count(method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
    let (method, route) = (method_name(method), route.to_owned());
    counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.as_u16().to_string())
        .increment(1);
    histogram!(DURATION_METRIC, "method" => method, "route" => route).record(elapsed.as_secs_f64());
}

/// What comes from the client is printed only in forms that cannot break out of a line: ids that parse, checked names.
fn tell(request: &HttpRequest, route: &str, status: StatusCode, code: Option<&'static str>, elapsed: Duration) {
    let extensions = request.extensions();
    let caller = extensions.get::<Caller>();
    let id = |name: &str| request.match_info().get(name);
    let session_id = id("session_id").and_then(|id| id.parse::<SessionId>().ok());
    let message_id = id("message_id").and_then(|id| id.parse::<MessageId>().ok());
    tracing::info!(
        target: "chat_http::access",
        method = method_name(request.method()),
        route,
        status = status.as_u16(),
        code,
        elapsed_ms = elapsed.as_secs_f64() * 1_000.0,
        request_id = extensions.get::<RequestId>().map(|id| id.0.as_str()),
        trace_id = extensions.get::<TraceParent>().map(|parent| parent.trace_id.as_str()),
        tenant = caller.map(|caller| caller.tenant().as_str()),
        role = caller.map(|caller| caller.role().as_str()),
        session_id = session_id.map(tracing::field::display),
        message_id = message_id.map(tracing::field::display),
        "request"
    );
}
