//! One event and a few figures for each request. Never content, never a query, never what a user is called.

use std::cell::Cell;
use std::time::{Duration, Instant};

use actix_web::HttpMessage as _;
use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, StatusCode};
use chat_domain::access::Caller;
use chat_domain::id::{MessageId, SessionId};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use super::trace::RequestId;

/// The name of the histogram of latencies, in seconds, for those who set its buckets.
pub const DURATION_METRIC: &str = "chat_http_request_duration_seconds";
/// The target of the access event, and of the span of a request, which holds its ids.
pub(super) const ACCESS: &str = "chat_http::access";
const REQUESTS: &str = "chat_http_requests_total";
const IN_FLIGHT: &str = "chat_http_requests_in_flight";

/// Tells those who read the figures what they mean.
pub(crate) fn describe_figures() {
    describe_counter!(REQUESTS, "Requests answered, by method, route and status");
    describe_histogram!(DURATION_METRIC, Unit::Seconds, "Time from the head of a request to that of its answer");
    describe_gauge!(IN_FLIGHT, "Requests being served");
}

/// A request under way; counted for as long as this lives, also where it is given up because its client is gone.
pub(super) struct UnderWay {
    begun: Instant,
    method: &'static str,
    id: Option<RequestId>,
    answered: Cell<bool>,
}

impl UnderWay {
    pub(super) fn begin(request: &ServiceRequest) -> Self {
        gauge!(IN_FLIGHT).increment(1.0);
        let id = request.extensions().get::<RequestId>().cloned();
        Self { begun: Instant::now(), method: method_name(request.method()), id, answered: Cell::new(false) }
    }

    /// Tells what became of the request.
    pub(super) fn end(&self, request: &HttpRequest, status: StatusCode, code: Option<&'static str>) {
        self.answered.set(true);
        let elapsed = self.begun.elapsed();
        let route = request.match_pattern();
        let route = route.as_deref().unwrap_or("unmatched");
        count(self.method, route, status, elapsed);
        tell(request, route, status, code, elapsed);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1.0);
        if !self.answered.get() {
            // The span may be left by now.
            tracing::info!(
                target: ACCESS,
                method = self.method,
                elapsed_ms = self.begun.elapsed().as_secs_f64() * 1_000.0,
                request_id = self.id.as_ref().map(|id| &*id.0),
                "request given up: its client is gone"
            );
        }
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

fn count(method: &'static str, route: &str, status: StatusCode, elapsed: Duration) {
    let route = route.to_owned();
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
        target: ACCESS,
        method = method_name(request.method()),
        route,
        status = status.as_u16(),
        code,
        elapsed_ms = elapsed.as_secs_f64() * 1_000.0,
        tenant = caller.map(|caller| caller.tenant().as_str()),
        role = caller.map(|caller| caller.role().as_str()),
        session_id = session_id.map(tracing::field::display),
        message_id = message_id.map(tracing::field::display),
        "request"
    );
}
