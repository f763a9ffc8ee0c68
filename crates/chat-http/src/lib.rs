//! The wire of the Chorus chat service: requests become calls of the domain's services, and what these say becomes
//! answers. No rule of chat lives here.
//!
//! # Map
//! - [`configure`]: the whole route table. [`bind`]: the server around it.
//! - `routes`: one module for each resource, its handlers, and in `wire` what they take and show.
//! - `gate`: who calls. What lies under the prefixes of the interface is behind it. `limit`: how much callers may ask.
//! - `extract`: what handlers take from a request, every fault at once.
//! - `problem`: all that goes wrong, and the only place that names the status of an error.
//! - `reply`, `etag`, `link`: good answers and their headers; `answers`: those that were printed before; `long`: those that
//!   are sent in pieces.
//! - `uploads`: files on their way in, counted.
//! - `middleware`: what holds for each request: its id, its span and event, figures, CORS, compression, documents of
//!   errors.
//! - [`openapi`]: the description, made of the types and handlers themselves.
//! - `examples/fake_server.rs`: all of it over the domain's fakes, for tools that try an interface out.
//!
//! # A request on its way in
//! span and request id → edge → CORS → compression → gate → limits → route → extraction → one call of a service → view.

mod answers;
mod connection;
mod drain;
mod etag;
mod extract;
mod gate;
mod limit;
mod link;
mod long;
mod middleware;
pub mod openapi;
mod problem;
mod reply;
mod routes;
mod scrape;
mod server;
mod stop;
mod turn;
mod uploads;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Resource, Route};
use chat_domain::attachment::AttachmentService;
use chat_domain::audit::AuditService;
use chat_domain::extension::ExtensionService;
use chat_domain::figures::FiguresService;
use chat_domain::message::MessageService;
use chat_domain::participant::ParticipantService;
use chat_domain::session::SessionService;

pub use actix_http::Request;
pub use drain::Drain;
pub use gate::{AuthMode, InvalidNetwork, TrustedProxies};
pub use limit::{ConnectionLimit, LimitSettings, Limiting};
pub use middleware::{
    CorsOrigins, DURATION_METRIC, InvalidOrigin, InvalidShare, LogShare, TRACE_ROOT_TARGET, TRACE_TARGET,
};
pub use routes::health::Health;
pub use routes::meta::{COMPILER, REVISION, VERSION};
pub use scrape::Scrape;
pub use server::{Bound, ServerSettings, app, bind, bind_metrics};
pub use stop::Stopper;

use gate::{figures_door, gate};
use long::send_in_pieces;
use problem::{Kind, Problem};
use routes::{attachment, audit, extension, health, message, meta, participant, session};

/// What the routes stand on. Each service is given to handlers by itself.
#[derive(Clone)]
pub struct Api {
    /// The use cases of sessions.
    pub sessions: Arc<SessionService>,
    /// The use cases of messages.
    pub messages: Arc<MessageService>,
    /// The use cases of extensions.
    pub extensions: Arc<ExtensionService>,
    /// The use cases of attachments.
    pub attachments: Arc<AttachmentService>,
    /// The use cases of participants.
    pub participants: Arc<ParticipantService>,
    /// The use case of the audit.
    pub audit: Arc<AuditService>,
    /// Who may read the figures.
    pub figures: Arc<FiguresService>,
    /// What the service leans on.
    pub health: Arc<Health>,
    /// Gives the figures for `/metrics`; `None` where they are served on a port of their own.
    pub metrics: Option<Scrape>,
    /// How the service learns who calls.
    pub auth: AuthMode,
    /// The proxies whose word on where a request comes from counts.
    pub proxies: TrustedProxies,
    /// What holds callers and strangers back; `None` for nothing.
    pub limits: Option<Limiting>,
    /// Whose pages may use the service from a browser.
    pub cors: CorsOrigins,
    /// Begun by the binary when it shuts down.
    pub drain: Drain,
}

/// The whole route table.
pub fn configure(config: &mut ServiceConfig, api: &Api) {
    config
        .app_data(web::Data::from(Arc::clone(&api.sessions)))
        .app_data(web::Data::from(Arc::clone(&api.messages)))
        .app_data(web::Data::from(Arc::clone(&api.extensions)))
        .app_data(web::Data::from(Arc::clone(&api.attachments)))
        .app_data(web::Data::from(Arc::clone(&api.participants)))
        .app_data(web::Data::from(Arc::clone(&api.audit)))
        .app_data(web::Data::from(Arc::clone(&api.figures)))
        .app_data(web::Data::from(Arc::clone(&api.health)))
        .app_data(web::Data::new(api.auth.clone()))
        .app_data(web::Data::new(api.proxies.clone()))
        .app_data(web::Data::new(api.drain.clone()))
        .app_data(web::Data::new(meta::page_config()))
        // What needs no caller stands before the gate.
        .service(api_health(link::GATEWAY_API))
        .service(api_health(link::API))
        // The longer prefix first: a scope that fits keeps the request.
        .service(web::scope(link::GATEWAY_API).configure(chat).wrap(from_fn(gate)))
        .service(web::scope(link::API).configure(chat).wrap(from_fn(gate)))
        .service(at("/", "GET, HEAD, OPTIONS").route(get().to(meta::about)))
        .service(at("/health", "GET, HEAD, OPTIONS").route(get().to(health::show)))
        .service(live())
        .service(ready())
        .service(at("/openapi.json", "GET, HEAD, OPTIONS").route(get().to(meta::openapi)).wrap(from_fn(send_in_pieces)))
        .service(at("/docs", "GET, HEAD, OPTIONS").route(get().to(meta::docs)))
        .service(
            at("/docs/{file:.*}", "GET, HEAD, OPTIONS").route(get().to(meta::docs_file)).wrap(from_fn(send_in_pieces)),
        )
        .default_service(web::to(nothing));
    if let Some(limits) = &api.limits {
        config.app_data(web::Data::new(limits.clone()));
    }
    if let Some(scrape) = &api.metrics {
        // The gate and its limits come first: what wraps last is asked first.
        let metrics = metrics().wrap(from_fn(figures_door)).wrap(from_fn(gate));
        config.app_data(web::Data::new(scrape.clone())).service(metrics);
    }
}

/// What those want who look after the service, for whoever gets here.
fn watched(config: &mut ServiceConfig, scrape: &Scrape, health: &Arc<Health>, drain: &Drain) {
    config
        .app_data(web::Data::new(scrape.clone()))
        .app_data(web::Data::from(Arc::clone(health)))
        .app_data(web::Data::new(drain.clone()))
        .service(metrics())
        .service(live())
        .service(ready());
}

fn live() -> Resource {
    at("/health/live", "GET, HEAD, OPTIONS").route(get().to(health::live))
}

fn ready() -> Resource {
    at("/health/ready", "GET, HEAD, OPTIONS").route(get().to(health::ready))
}

fn metrics() -> Resource {
    at("/metrics", "GET, HEAD, OPTIONS").route(get().to(meta::metrics))
}

/// How the service is, under a prefix of the interface.
fn api_health(prefix: &str) -> Resource {
    named(&format!("{prefix}/health"), "/health", "GET, HEAD, OPTIONS").route(get().to(health::show))
}

/// The routes under each prefix of the interface. Each has passed the gate.
fn chat(config: &mut ServiceConfig) {
    config
        // Paths are tried in this order: what is asked for most stands first.
        .service(
            at("/sessions/{session_id}/messages", "GET, HEAD, POST, OPTIONS")
                .route(get().to(message::list))
                .route(web::post().to(message::create)),
        )
        .service(
            at("/sessions/{session_id}", "GET, HEAD, PATCH, OPTIONS")
                .route(get().to(session::show))
                .route(web::patch().to(session::update)),
        )
        .service(at("/sessions/{session_id}/read", "POST, OPTIONS").route(web::post().to(participant::read)))
        .service(at("/sessions/{session_id}/delivered", "POST, OPTIONS").route(web::post().to(participant::delivered)))
        .service(at("/sessions/{session_id}/participants", "GET, HEAD, OPTIONS").route(get().to(participant::list)))
        .service(at("/sessions/{session_id}/end", "POST, OPTIONS").route(web::post().to(session::end)))
        .service(at("/sessions", "POST, OPTIONS").route(web::post().to(session::create)))
        .service(at("/users/{user_id}/sessions", "GET, HEAD, OPTIONS").route(get().to(session::list_of_user)))
        .service(
            at("/messages/{message_id}", "GET, HEAD, PATCH, DELETE, OPTIONS")
                .route(get().to(message::show))
                .route(web::patch().to(message::edit))
                .route(web::delete().to(message::remove)),
        )
        .service(at("/messages/{message_id}/history", "GET, HEAD, OPTIONS").route(get().to(message::history)))
        .service(at("/messages/{message_id}/restore", "POST, OPTIONS").route(web::post().to(message::restore)))
        .service(
            at("/messages/{message_id}/extensions", "GET, HEAD, POST, OPTIONS")
                .route(get().to(extension::list))
                .route(web::post().to(extension::create)),
        )
        .service(
            at("/messages/{message_id}/extensions/{extension_id}", "GET, HEAD, DELETE, OPTIONS")
                .route(get().to(extension::show))
                .route(web::delete().to(extension::remove)),
        )
        .service(
            at("/messages/{message_id}/reactions/{emoji}", "PUT, DELETE, OPTIONS")
                .route(web::put().to(extension::reaction::put))
                .route(web::delete().to(extension::reaction::remove)),
        )
        .service(at("/sessions/{session_id}/attachments", "POST, OPTIONS").route(web::post().to(attachment::create)))
        .service(at("/attachments/{attachment_id}", "GET, HEAD, OPTIONS").route(get().to(attachment::show)))
        .service(at("/audit", "GET, HEAD, OPTIONS").route(get().to(audit::list)))
        .default_service(web::to(nothing));
}

/// A path, with an answer to `OPTIONS` and to every method that it does not know.
fn at(path: &str, allow: &'static str) -> Resource {
    named(path, path, allow)
}

/// The same, with what the figures and the log call it, together with its prefix.
fn named(path: &str, name: &str, allow: &'static str) -> Resource {
    let allow = HeaderValue::from_static(allow);
    let options = allow.clone();
    web::resource(path)
        .name(name)
        .route(web::route().method(Method::OPTIONS).to(move || {
            let allow = options.clone();
            async move { HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish() }
        }))
        .default_service(web::to(move || {
            let problem = Problem::new(Kind::MethodNotAllowed, "This path does not know the method; see Allow.");
            let problem = problem.with_header(header::ALLOW, allow.clone());
            async move { Err::<HttpResponse, Problem>(problem) }
        }))
}

/// `GET`, and `HEAD` with it.
fn get() -> Route {
    web::route().guard(actix_web::guard::Any(actix_web::guard::Get()).or(actix_web::guard::Head()))
}

async fn nothing() -> Result<HttpResponse, Problem> {
    Err(meta::not_found())
}
