//! Whether the service and what it leans on are there.

mod check;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use chat_domain::timestamp::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

pub use self::check::Health;
pub(crate) use self::check::{CLOCK_SKEW_METRIC, READY_METRIC};
use self::check::{Check, ClockCheck, Needed};
use super::meta::{SERVICE, VERSION};
use crate::drain::Drain;
use crate::problem::{Problem, RETRY_AFTER_SECONDS};
use crate::reply;

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    /// `healthy`, `degraded` (the cache is down, which costs speed) or `unhealthy` (the database is down, this node's clock
    /// is far from the database's, or it has no key yet to check tokens with).
    #[schema(pattern = "^(healthy|degraded|unhealthy)$", example = "healthy")]
    status: &'static str,
    #[schema(example = "chat-service")]
    service: &'static str,
    version: &'static str,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    checks: Checks,
}

/// The parts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthChecks)]
pub(crate) struct Checks {
    database: Check,
    cache: Check,
    /// Where the database has a clock of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<ClockCheck>,
    /// Where callers are known by tokens: whether there is a key to check these with.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_keys: Option<Check>,
}

/// A state in one word.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = State)]
pub(crate) struct StateView {
    /// `live`.
    #[schema(pattern = "^live$", example = "live")]
    status: &'static str,
}

/// Whether the service may take traffic, and why not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadinessView {
    /// `ready`, `draining` (it is shutting down) or `unhealthy` (see the checks).
    #[schema(pattern = "^(ready|draining|unhealthy)$", example = "ready")]
    status: &'static str,
    /// What was asked; nothing while it is shutting down.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<ReadinessChecks>,
}

/// What the service needs for taking traffic.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadinessChecks {
    database: Check,
    /// Where the database has a clock of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<ClockCheck>,
    /// Where callers are known by tokens: whether there is a key to check these with.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_keys: Option<Check>,
}

/// Why an answer about health is a 503: left beside it, for the log.
#[derive(Debug, Clone)]
pub(crate) enum Unready {
    /// The node was told to stop.
    Stopping,
    /// It cannot serve.
    Unhealthy {
        /// Why.
        causes: String,
    },
}

/// How the service is
///
/// Answers within 2 s, whatever hangs.
#[utoipa::path(
    get, path = "/health", operation_id = "get_health", tag = "service",
    responses(
        (status = 200, description = "The service may take traffic.", body = HealthView),
        (status = 503, description = "The database is not there, this node's clock is far off, or it has no key for tokens yet.", body = HealthView),
    ),
)]
pub(crate) async fn show(health: web::Data<Health>) -> Result<HttpResponse, Problem> {
    let (needed, cache) = tokio::join!(health.needed(), health.cache());
    if let Some(causes) = cache.causes() {
        tracing::warn!(causes, "the cache is down");
    }
    let (mut builder, status) = match (needed.causes(), cache.is_up()) {
        (None, true) => (HttpResponse::Ok(), "healthy"),
        (None, false) => (HttpResponse::Ok(), "degraded"),
        (Some(causes), _) => (unavailable(Unready::Unhealthy { causes }), "unhealthy"),
    };
    let Needed { database, clock, token_keys } = needed;
    let checks = Checks { database, cache, clock, token_keys };
    state(&mut builder, &HealthView { status, service: SERVICE, version: VERSION, timestamp: health.now(), checks })
}

/// How the service is, under the prefix of the API
#[utoipa::path(
    get, path = "/api/v1/health", operation_id = "get_api_health", tag = "service",
    responses(
        (status = 200, description = "The service may take traffic.", body = HealthView),
        (status = 503, description = "The database is not there, this node's clock is far off, or it has no key for tokens yet.", body = HealthView),
    ),
)]
#[expect(dead_code, reason = "carries the description of a second path of `show`")]
pub(crate) async fn show_under_api() {}

/// Whether the process runs
#[utoipa::path(
    get, path = "/health/live", operation_id = "get_liveness", tag = "service",
    responses((status = 200, description = "It runs.", body = StateView)),
)]
pub(crate) async fn live() -> Result<HttpResponse, Problem> {
    state(&mut HttpResponse::Ok(), &StateView { status: "live" })
}

/// Whether the service may take traffic
#[utoipa::path(
    get, path = "/health/ready", operation_id = "get_readiness", tag = "service",
    responses(
        (status = 200, description = "It may.", body = ReadinessView),
        (status = 503, description = "It is shutting down, its database is not there, its clock is far off, or it has no key for tokens yet.", body = ReadinessView),
    ),
)]
pub(crate) async fn ready(health: web::Data<Health>, drain: web::Data<Drain>) -> Result<HttpResponse, Problem> {
    if drain.is_begun() {
        return state(&mut unavailable(Unready::Stopping), &ReadinessView { status: "draining", checks: None });
    }
    let needed = health.needed().await;
    let (mut builder, status) = match needed.causes() {
        None => (HttpResponse::Ok(), "ready"),
        Some(causes) => (unavailable(Unready::Unhealthy { causes }), "unhealthy"),
    };
    let Needed { database, clock, token_keys } = needed;
    let checks = ReadinessChecks { database, clock, token_keys };
    state(&mut builder, &ReadinessView { status, checks: Some(checks) })
}

fn unavailable(why: Unready) -> HttpResponseBuilder {
    let mut builder = HttpResponse::ServiceUnavailable();
    builder.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
    builder.extensions_mut().insert(why);
    builder
}

fn state(builder: &mut HttpResponseBuilder, view: &impl Serialize) -> Result<HttpResponse, Problem> {
    reply::json(builder.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store"))), view)
}
