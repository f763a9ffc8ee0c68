//! One event and a few figures for each request. Never content, never a query, never what a user is called.

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse};
use chat_domain::access::Caller;
use chat_domain::id::{MessageId, SessionId};
use tracing::Span;

use super::figures::{Figures, method_name};
use super::sample::{LogShare, Sample};
use super::trace::{RequestId, Traced};
use crate::problem::{Kind, Problem};
use crate::routes::health::Unready;

/// The target of the access event, and of the span of a request, which holds its ids.
pub(super) const ACCESS: &str = "chat_http::access";

/// What one worker knows of its requests.
pub(crate) struct Observer {
    figures: Figures,
    sample: Sample,
}

impl Observer {
    /// For a new worker.
    pub(crate) fn new(share: LogShare) -> Rc<Self> {
        Rc::new(Self { figures: Figures::new(), sample: Sample::new(share) })
    }
}

/// What is told of an answer that is no success.
pub(super) struct Told {
    code: &'static str,
    causes: Option<Cow<'static, str>>,
    /// Counted, where it is a problem.
    kind: Option<Kind>,
    /// It is what somebody wanted, and no failure whatever its status.
    intended: bool,
}

impl Told {
    /// The one place that reads the causes of an error.
    pub(super) fn of(problem: &Problem) -> Self {
        let kind = problem.kind();
        Self { code: kind.code(), causes: Some(problem.causes()), kind: Some(kind), intended: false }
    }

    /// What a handler has left beside an answer in a form of its own.
    pub(super) fn beside<B>(response: &HttpResponse<B>) -> Option<Self> {
        let extensions = response.extensions();
        let told = match extensions.get::<Unready>()? {
            Unready::Stopping => Self { code: "draining", causes: None, kind: None, intended: true },
            Unready::Unhealthy { causes } => {
                Self { code: "unhealthy", causes: Some(causes.clone().into()), kind: None, intended: false }
            }
        };
        Some(told)
    }
}

/// A request under way; counted for as long as this lives, also where it is given up because its client is gone.
pub(super) struct UnderWay {
    observer: Rc<Observer>,
    begun: Instant,
    method: &'static str,
    id: Option<RequestId>,
    traced: Traced,
    answered: Cell<bool>,
}

impl UnderWay {
    pub(super) fn begin(observer: Rc<Observer>, request: &ServiceRequest) -> Self {
        observer.figures.begun();
        let id = request.extensions().get::<RequestId>().cloned();
        let method = method_name(request.method());
        let traced = Traced::begin(request);
        Self { observer, begun: Instant::now(), method, id, traced, answered: Cell::new(false) }
    }

    /// What lies below the request in a trace lies within this.
    pub(super) fn span(&self) -> Span {
        self.traced.span()
    }

    /// Tells what became of the request.
    pub(super) fn end(&self, request: &HttpRequest, status: StatusCode, told: Option<&Told>) {
        self.answered.set(true);
        let elapsed = self.begun.elapsed();
        self.traced.answered(request, status, told.map(|told| told.code));
        let figures = &self.observer.figures;
        let route = figures.answered(request, status, elapsed);
        if let Some(kind) = told.and_then(|told| told.kind) {
            figures.problem(kind);
        }
        if status.as_u16() >= 400 || self.observer.sample.takes() {
            tell(request, &route, status, told, elapsed);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.observer.figures.gone();
        if !self.answered.get() {
            self.observer.figures.given_up();
            // The span may be left by now.
            tracing::info!(
                target: ACCESS,
                method = self.method,
                elapsed_ms = milliseconds(self.begun.elapsed()),
                request_id = self.id.as_ref().map(|id| &*id.0),
                "request given up: its client is gone"
            );
        }
    }
}

/// With three decimals: what lies below says nothing, and fills the log.
fn milliseconds(elapsed: Duration) -> f64 {
    f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1_000.0
}

/// What comes from the client is printed only in forms that cannot break out of a line: ids that parse, checked names.
fn tell(request: &HttpRequest, route: &str, status: StatusCode, told: Option<&Told>, elapsed: Duration) {
    let extensions = request.extensions();
    let caller = extensions.get::<Caller>();
    let id = |name: &str| request.match_info().get(name);
    let session_id = id("session_id").and_then(|id| id.parse::<SessionId>().ok());
    let message_id = id("message_id").and_then(|id| id.parse::<MessageId>().ok());
    // The same event at three levels: a level is fixed where an event is written down.
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                target: ACCESS,
                method = method_name(request.method()),
                route,
                status = status.as_u16(),
                code = told.map(|told| told.code),
                causes = told.and_then(|told| told.causes.as_deref()),
                elapsed_ms = milliseconds(elapsed),
                tenant = caller.map(|caller| caller.tenant().as_str()),
                role = caller.map(|caller| caller.role().as_str()),
                session_id = session_id.map(tracing::field::display),
                message_id = message_id.map(tracing::field::display),
                "request"
            )
        };
    }
    let intended = told.is_some_and(|told| told.intended);
    match status.as_u16() {
        500.. if !intended => event!(error),
        400..500 => event!(warn),
        _ => event!(info),
    }
}

/// Tells of answers about health that are no success, where nobody else looks at them: on the port of the figures.
pub(crate) async fn tell_of_health<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let begun = Instant::now();
    let answer = next.call(request).await?;
    if let Some(told) = Told::beside(answer.response()) {
        let route = answer.request().match_pattern().unwrap_or_default();
        tell(answer.request(), &route, answer.status(), Some(&told), begun.elapsed());
    }
    Ok(answer)
}
