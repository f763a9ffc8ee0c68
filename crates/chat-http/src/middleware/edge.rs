//! The outermost layer: every answer leaves through it, every error as a problem document.

use std::rc::Rc;
use std::time::Duration;

use actix_cors::CorsError;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use chat_domain::deadline;
use tracing::Instrument as _;

use super::encoding;
use super::hardening;
use super::observe::{Observer, Told, UnderWay};
use super::tied::Tied;
use super::trace::RequestId;
use super::unread::Unread;
use crate::connection::{Serving, Watch, head};
use crate::drain::Drain;
use crate::long::is_long;
use crate::problem::{Kind, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Serves a request, whose work in stores may take so long altogether, and sees it out.
pub(crate) async fn edge<B: MessageBody + 'static>(
    observer: Rc<Observer>,
    store_deadline: Duration,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let under_way = UnderWay::begin(observer, &request);
    let watch = request.conn_data::<Watch>().cloned();
    let serving = watch.as_ref().map(Watch::begin);
    let unread = Unread::keep(&mut request);
    let refusal = refusal(&request, watch.as_ref());
    let is_refused = refusal.is_some();
    let answer = if let Some(refusal) = refusal {
        request.error_response(refusal).map_into_right_body()
    } else {
        let served = deadline::bounded(store_deadline, next.call(request)).instrument(under_way.span());
        served.await?.map_into_left_body()
    };
    let (request, response) = answer.into_parts();
    let (mut response, told) = with_document(&request, response);
    finish(&request, &mut response);
    let unread = unread.filter(|unread| !unread.was_read());
    if is_refused || unread.is_some() || is_last(&request, &response) {
        response.head_mut().set_connection_type(ConnectionType::Close);
        watch.iter().for_each(Watch::end);
    }
    under_way.end(&request, response.status(), told.as_ref());
    Ok(ServiceResponse::new(request, tie(response, unread, serving)))
}

/// Why a request is refused whatever it asks: it came after one whose answer was to be the last, or its head is so large that
/// its connection must not live on.
fn refusal(request: &ServiceRequest, watch: Option<&Watch>) -> Option<Problem> {
    if watch.is_some_and(Watch::is_over) {
        let detail = "An earlier answer has closed this connection. Nothing was done; use another one.";
        return Some(Problem::new(Kind::BadRequest, detail));
    }
    let is_too_large = head::size(request.head()) > head::MAX;
    is_too_large.then(|| Problem::new(Kind::HeadTooLarge, "The target and the headers may have 16 KiB together."))
}

/// Whether no further request is served on the connection, beside unread bodies.
fn is_last<B>(request: &HttpRequest, response: &HttpResponse<B>) -> bool {
    request.head().connection_type() == ConnectionType::Close
        || response.head().connection_type() == ConnectionType::Close
        || request.app_data::<web::Data<Drain>>().is_some_and(|drain| drain.is_begun())
}

/// Keeps what must live until the answer is sent: a body that was not read to its end, and, where that may take long, that
/// its connection is in use. Most answers need neither.
fn tie<B: MessageBody + 'static>(
    response: HttpResponse<EitherBody<B>>,
    unread: Option<Unread>,
    serving: Option<Serving>,
) -> HttpResponse<EitherBody<B>> {
    if unread.is_none() && !is_long(response.body().size()) {
        return response;
    }
    response.map_body(|_, body| EitherBody::right(Tied::to(body.boxed(), (unread, serving))))
}

/// Puts the document into an answer that is an error, and says what is to be told of the problem.
fn with_document<B>(
    request: &HttpRequest,
    response: HttpResponse<EitherBody<B>>,
) -> (HttpResponse<EitherBody<B>>, Option<Told>) {
    let foreign = foreign(&response);
    let own = response.error().and_then(Error::as_error::<Problem>);
    let Some(problem) = own.or(foreign.as_ref()) else {
        // Health answers with its own document, whatever its status.
        let told = if response.status().as_u16() < 400 { None } else { Told::beside(&response) };
        return (response, told);
    };
    let told = Told::of(problem);
    let status = problem.kind().status();
    let body = document(request, problem);
    let mut response = response.map_body(|_, _| EitherBody::right(BoxBody::new(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_ENCODING);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (response, Some(told))
}

/// The problem that an error of another crate is: of the server, of CORS, of compression.
fn foreign<B>(response: &HttpResponse<B>) -> Option<Problem> {
    if response.status().as_u16() < 400 {
        return None;
    }
    if let Some(error) = response.error().and_then(Error::as_error::<CorsError>) {
        return Some(Problem::new(Kind::CorsRefused, format!("{error}.")));
    }
    // A document of its own, as health has.
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    (!is_json).then(|| Problem::of_status(response.status()))
}

fn document(request: &HttpRequest, problem: &Problem) -> Vec<u8> {
    let extensions = request.extensions();
    let id = extensions.get::<RequestId>().map_or("", |id| &*id.0);
    serde_json::to_vec(&problem.document(request.uri().path(), id)).unwrap_or_default()
}

/// The headers that every answer has.
fn finish<B>(request: &HttpRequest, response: &mut HttpResponse<B>) {
    let status = response.status();
    let headers = response.headers_mut();
    hardening::describe(headers);
    let id = request.extensions().get::<RequestId>().and_then(|id| HeaderValue::from_str(&id.0).ok());
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id);
    }
    encoding::describe(status, headers);
}
