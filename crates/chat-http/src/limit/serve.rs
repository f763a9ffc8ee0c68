//! A request of a known caller.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::RETRY_AFTER;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use chat_domain::access::Caller;
use chat_domain::limit::{Class, Decision, Refusal, Scope, Work};

use super::header::{MOMENT, seconds};
use super::{Limiting, unsent};
use crate::long::{in_pieces, send_in_pieces};
use crate::problem::{Kind, Problem};

/// Serves a request where its caller's limits allow, and tells the caller how it stands. A request without a caller (one
/// in the open mode, and `OPTIONS`) has no limits.
pub(crate) async fn serve<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some((limiting, caller)) = limited_caller(&request) else {
        return send_in_pieces(request, next).await;
    };
    let limits = &*limiting.0;
    let slot = limits.at_once.as_ref().map(|slots| slots.take(&caller));
    if let Some(None) = slot {
        limits.figures.at_once.increment(1);
        let mut response = refused(&mut request, too_many_at_once()).await;
        limits.policies.tell_at_once(response.headers_mut());
        return Ok(response);
    }
    match limits.limiter.take(&caller, work(&request)).decision().await {
        Decision::Allowed(standings) => {
            let mut response = next.call(request).await?.map_into_boxed_body();
            limits.policies.tell(response.headers_mut(), &standings);
            // A request is under way until its answer is sent: clients that do not read shall not have any number.
            Ok(in_pieces(response, slot))
        }
        Decision::Refused(refusal) => {
            limits.figures.refused(refusal.scope, refusal.class);
            let mut response = refused(&mut request, too_many(&refusal)).await;
            limits.policies.tell_refusal(response.headers_mut(), &refusal);
            Ok(response)
        }
    }
}

fn limited_caller(request: &ServiceRequest) -> Option<(Limiting, Caller)> {
    let limiting = request.app_data::<web::Data<Limiting>>()?;
    let caller = request.extensions().get::<Caller>().cloned()?;
    Some(((***limiting).clone(), caller))
}

/// What a request asks for. The path is the one that routes are found by, so no spelling of it passes for another.
fn work(request: &ServiceRequest) -> Work {
    let is_message = request.method() == Method::POST && request.match_info().as_str().ends_with("/messages");
    if is_message { Work::Message } else { Work::Request }
}

/// Answers without reading the body.
async fn refused(request: &mut ServiceRequest, problem: Problem) -> ServiceResponse<BoxBody> {
    unsent::discard(request).await;
    ServiceResponse::from_err(problem, request.request().clone())
}

fn too_many(refusal: &Refusal) -> Problem {
    let detail = match (refusal.scope, refusal.class) {
        (Scope::Caller, Class::Requests) => "You send more requests than your limit allows. Try again later.",
        (Scope::Caller, Class::Messages) => "You write more messages than your limit allows. Try again later.",
        (Scope::Tenant, Class::Requests) => "Your tenant sends more requests than its limit allows. Try again later.",
        (Scope::Tenant, Class::Messages) => "Your tenant writes more messages than its limit allows. Try again later.",
    };
    limited(detail, seconds(refusal.retry_after))
}

fn too_many_at_once() -> Problem {
    limited("Too many of your requests are under way. Wait for their answers.", seconds(MOMENT))
}

/// The problem of all that is refused because it is too much for now.
pub(super) fn limited(detail: &'static str, retry_after: u64) -> Problem {
    Problem::new(Kind::RateLimited, detail).with_header(RETRY_AFTER, retry_after.into())
}
