//! The gate: where the caller of a request becomes known, once, or the request is answered 401.
//!
//! Everything under the prefixes of the interface lies behind it (see [`configure`](crate::configure)), what is not
//! there too, so no route can forget it. A route outside that asks for its caller gets none.
//!
//! # Map
//! - `bearer`: the token of a request. `gateway`: the headers of a gateway. `open`: headers that anybody may send.
//! - `proxy`: whose word on addresses counts. `refusal`: how a caller that is not known is answered.

mod bearer;
mod gateway;
mod open;
mod proxy;
mod refusal;

use std::fmt;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, web};
use chat_domain::access::{Caller, TokenVerifier};
use chat_domain::fault::Faults;
use chat_domain::figures::FiguresService;

pub(crate) use proxy::client_address;
pub use proxy::{InvalidNetwork, TrustedProxies};

use crate::limit;
use crate::problem::{Kind, Problem};

/// The header that names the tenant.
const TENANT: &str = "x-tenant-id";
/// The header that names the caller.
const USER: &str = "x-user-id";
/// The header that names the caller's role.
const ROLE: &str = "x-user-role";

/// How the service learns who calls.
#[derive(Clone)]
#[non_exhaustive]
pub enum AuthMode {
    /// From `X-Tenant-Id`, `X-User-Id` and `X-User-Role`, unchecked; what they leave out is the service named `service`
    /// of the tenant `default`.
    Open,
    /// From the same headers, all three, where they come from one of these.
    Gateway(TrustedProxies),
    /// From a Bearer token.
    Jwt(Arc<dyn TokenVerifier>),
}

impl fmt::Debug for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Gateway(_) => "Gateway",
            Self::Jwt(_) => "Jwt",
        })
    }
}

/// Lets a request through once its caller is known, which is then found in its extensions. In the open mode that is left
/// to whoever asks for the caller, who tells what is wrong with its headers together with all else.
///
/// `OPTIONS` does nothing, and browsers ask it without a token.
pub(crate) async fn gate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if request.method() != Method::OPTIONS
        && let Err(problem) = admit(&request).await
    {
        return Ok(request.error_response(problem));
    }
    limit::serve(request, next).await
}

/// Behind the gate, the door to the figures, which are for those alone who run the service. In the open mode nobody is
/// asked who it is.
pub(crate) async fn figures_door<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(problem) = may_read_figures(&request) {
        return Ok(request.error_response(problem));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn may_read_figures(request: &ServiceRequest) -> Result<(), Problem> {
    let extensions = request.extensions();
    let Some(caller) = extensions.get::<Caller>() else { return Ok(()) };
    let figures = request.app_data::<web::Data<FiguresService>>();
    Ok(figures.ok_or_else(|| Problem::of_assembly("nothing says who may read figures"))?.may_read(caller)?)
}

async fn admit(request: &ServiceRequest) -> Result<(), Problem> {
    match identify(request).await {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(problem) if matches!(problem.kind(), Kind::Unauthenticated(_)) => {
            limit::failed(request)?;
            Err(problem)
        }
        Err(problem) => Err(problem),
    }
}

/// The caller; `None` in the open mode.
async fn identify(request: &ServiceRequest) -> Result<Option<Caller>, Problem> {
    match mode(request.request())? {
        AuthMode::Open => Ok(None),
        AuthMode::Gateway(proxies) => Ok(Some(gateway::caller(request.peer_addr(), request.headers(), proxies)?)),
        AuthMode::Jwt(verifier) => {
            let held_up = || limit::held_up(request);
            bearer::caller(request.headers(), &**verifier, held_up).await.map(Some)
        }
    }
}

fn mode(request: &HttpRequest) -> Result<&AuthMode, Problem> {
    let mode = request.app_data::<web::Data<AuthMode>>();
    mode.map(|mode| &***mode).ok_or_else(|| Problem::of_assembly("nothing says who may call"))
}

/// The caller of a request that was let through; `None` where headers of the open mode are at fault, which is noted.
///
/// # Errors
/// Where the request did not come through the gate: a fault of ours.
pub(crate) fn caller(request: &HttpRequest, faults: &mut Faults) -> Result<Option<Caller>, Problem> {
    if let Some(caller) = request.extensions().get::<Caller>() {
        return Ok(Some(caller.clone()));
    }
    let AuthMode::Open = mode(request)? else {
        return Err(Problem::of_assembly("a route lies outside the gate"));
    };
    let caller = open::caller(request.headers(), faults);
    if let Some(caller) = &caller {
        request.extensions_mut().insert(caller.clone());
    }
    Ok(caller)
}
