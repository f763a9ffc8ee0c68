//! The figures of requests. Each worker has handles of its own, made when they are first wanted, and finds them without
//! an allocation or a lock, since every request asks for some.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::{Method, StatusCode};
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::extract::REFUSALS_METRIC;
use crate::link;
use crate::problem::Kind;
use crate::routes::health::{CLOCK_SKEW_METRIC, READY_METRIC};
use crate::uploads::{IN_FLIGHT_METRIC as UPLOADS, RECEIVED_METRIC, SENT_METRIC};

/// The name of the histogram of latencies, in seconds, for those who set its buckets.
pub const DURATION_METRIC: &str = "chat_http_request_duration_seconds";
const REQUESTS: &str = "chat_http_requests_total";
const IN_FLIGHT: &str = "chat_http_requests_in_flight";
const PROBLEMS: &str = "chat_http_problems_total";
const GIVEN_UP: &str = "chat_http_requests_given_up_total";

/// Tells those who read the figures what they mean.
pub(crate) fn describe_figures() {
    describe_counter!(REQUESTS, "Requests answered, by method, route and status");
    describe_histogram!(DURATION_METRIC, Unit::Seconds, "Time from the head of a request to that of its answer");
    describe_gauge!(IN_FLIGHT, "Requests being served");
    describe_gauge!(CLOCK_SKEW_METRIC, Unit::Seconds, "How far this node's clock is ahead of the database's");
    describe_gauge!(READY_METRIC, "1 while the node may take traffic, 0 while it may not, as `/health/ready` says");
    describe_counter!(PROBLEMS, "Requests refused or failed, by the code of the problem in the answer");
    describe_counter!(GIVEN_UP, "Requests whose client was gone before there was an answer");
    describe_gauge!(UPLOADS, "Files on their way in");
    describe_counter!(RECEIVED_METRIC, Unit::Bytes, "Bytes of files that came in, of those too that were refused");
    describe_counter!(SENT_METRIC, Unit::Bytes, "Bytes of files that went out");
    describe_counter!(REFUSALS_METRIC, "Bodies above 8 KiB refused, because those of others took all the room");
}

/// The handles of one worker.
pub(super) struct Figures {
    in_flight: Gauge,
    given_up: Counter,
    /// By their codes.
    problems: Vec<(&'static str, Counter)>,
    /// Few enough to be looked through: routes, times the methods and statuses that they were seen with.
    answers: RefCell<Vec<Answers>>,
}

/// Answers to one method of one route with one status.
struct Answers {
    prefix: &'static str,
    name: Box<str>,
    method: &'static str,
    status: StatusCode,
    pattern: Rc<str>,
    count: Counter,
    duration: Histogram,
}

impl Figures {
    /// The handles; what has no labels of a request's own is there from now on, at zero.
    pub(super) fn new() -> Self {
        Self {
            in_flight: gauge!(IN_FLIGHT),
            given_up: counter!(GIVEN_UP),
            problems: Kind::all().map(|kind| (kind.code(), counter!(PROBLEMS, "code" => kind.code()))).collect(),
            answers: RefCell::default(),
        }
    }

    /// A request has come.
    pub(super) fn begun(&self) {
        self.in_flight.increment(1.0);
    }

    /// A request has gone, answered or not.
    pub(super) fn gone(&self) {
        self.in_flight.decrement(1.0);
    }

    /// Its client did not wait for the answer.
    pub(super) fn given_up(&self) {
        self.given_up.increment(1);
    }

    /// It was answered with a problem.
    pub(super) fn problem(&self, kind: Kind) {
        let code = kind.code();
        if let Some((_, counter)) = self.problems.iter().find(|(known, _)| *known == code) {
            counter.increment(1);
        }
    }

    /// It was answered; gives the pattern of its route.
    pub(super) fn answered(&self, request: &HttpRequest, status: StatusCode, elapsed: Duration) -> Rc<str> {
        let (prefix, name) = place(request);
        let method = method_name(request.method());
        let mut answers = self.answers.borrow_mut();
        let known = |seen: &&Answers| {
            seen.status == status && seen.method == method && seen.prefix == prefix && *seen.name == *name
        };
        if let Some(seen) = answers.iter().find(known) {
            return seen.add(elapsed);
        }
        let first = Answers::new(prefix, name, method, status);
        let pattern = first.add(elapsed);
        answers.push(first);
        pattern
    }
}

impl Answers {
    fn new(prefix: &'static str, name: &str, method: &'static str, status: StatusCode) -> Self {
        let pattern = format!("{prefix}{name}");
        let code = status.as_str().to_owned();
        Self {
            prefix,
            name: name.into(),
            method,
            status,
            count: counter!(REQUESTS, "method" => method, "route" => pattern.clone(), "status" => code),
            duration: histogram!(DURATION_METRIC, "method" => method, "route" => pattern.clone()),
            pattern: pattern.into(),
        }
    }

    fn add(&self, elapsed: Duration) -> Rc<str> {
        self.count.increment(1);
        self.duration.record(elapsed.as_secs_f64());
        Rc::clone(&self.pattern)
    }
}

/// The prefix under which the route of a request lies, and its name, which is its path below that.
fn place(request: &HttpRequest) -> (&'static str, &str) {
    let Some(name) = request.match_name() else { return ("", "unmatched") };
    let path = request.uri().path();
    // The longer one first: it begins with the other.
    let prefixes = [link::GATEWAY_API, link::API];
    let under = |prefix: &&str| path.strip_prefix(*prefix).is_some_and(|rest| rest.starts_with('/'));
    (prefixes.into_iter().find(under).unwrap_or(""), name)
}

/// A method that a client made up must not make a series of figures of its own.
pub(super) fn method_name(method: &Method) -> &'static str {
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
