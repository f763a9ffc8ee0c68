//! Whether the service and what it leans on are there.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use chat_domain::clock::Clock;
use chat_domain::health::Probe;
use chat_domain::timestamp::Timestamp;
use serde::Serialize;
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;

use super::meta::{SERVICE, VERSION};
use crate::drain::Drain;
use crate::problem::{Problem, RETRY_AFTER_SECONDS};
use crate::reply;

/// The longest that one probe is waited for; both run side by side, so that the answer is there within 2 s.
const PROBE_LIMIT: Duration = Duration::from_millis(1_500);

/// What the service leans on.
pub struct Health {
    database: Arc<dyn Probe>,
    cache: Arc<dyn Probe>,
    clock: Arc<dyn Clock>,
}

impl Health {
    /// Takes a probe of the store and one of the cache.
    #[must_use]
    pub fn new(database: Arc<dyn Probe>, cache: Arc<dyn Probe>, clock: Arc<dyn Clock>) -> Self {
        Self { database, cache, clock }
    }
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    /// `healthy`, `degraded` (the cache is down, which costs speed) or `unhealthy` (the database is down).
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
}

/// One part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthCheck)]
pub(crate) struct Check {
    /// `up` or `down`.
    #[schema(pattern = "^(up|down)$", example = "up")]
    status: &'static str,
    /// How long it took to answer, in milliseconds.
    #[schema(minimum = 0.0)]
    latency_ms: f64,
}

impl Check {
    fn is_up(&self) -> bool {
        self.status == "up"
    }
}

/// A state in one word.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = State)]
pub(crate) struct StateView {
    /// `live`, `ready`, `draining` or `unhealthy`.
    #[schema(pattern = "^(live|ready|draining|unhealthy)$", example = "ready")]
    status: &'static str,
}

async fn check(name: &'static str, probe: &dyn Probe) -> Check {
    let begun = Instant::now();
    let status = match timeout(PROBE_LIMIT, probe.check()).await {
        Ok(Ok(())) => "up",
        Ok(Err(error)) => {
            tracing::warn!(probe = name, causes = Problem::from(error).causes(), "a probe failed");
            "down"
        }
        Err(_) => {
            tracing::warn!(probe = name, "a probe did not answer in time");
            "down"
        }
    };
    let micros = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
    Check { status, latency_ms: f64::from(micros) / 1_000.0 }
}

/// How the service is
///
/// Answers within 2 s, whatever hangs.
#[utoipa::path(
    get, path = "/health", operation_id = "get_health", tag = "service",
    responses(
        (status = 200, description = "The database is there.", body = HealthView),
        (status = 503, description = "The database is not there.", body = HealthView),
    ),
)]
pub(crate) async fn show(health: web::Data<Health>) -> Result<HttpResponse, Problem> {
    let (database, cache) = tokio::join!(check("database", &*health.database), check("cache", &*health.cache));
    let (mut builder, status) = match (database.is_up(), cache.is_up()) {
        (true, true) => (HttpResponse::Ok(), "healthy"),
        (true, false) => (HttpResponse::Ok(), "degraded"),
        (false, _) => (unavailable(), "unhealthy"),
    };
    let timestamp = health.clock.now();
    let checks = Checks { database, cache };
    state(&mut builder, &HealthView { status, service: SERVICE, version: VERSION, timestamp, checks })
}

/// How the service is, under the prefix of the API
#[utoipa::path(
    get, path = "/api/v1/health", operation_id = "get_api_health", tag = "service",
    responses(
        (status = 200, description = "The database is there.", body = HealthView),
        (status = 503, description = "The database is not there.", body = HealthView),
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
        (status = 200, description = "It may.", body = StateView),
        (status = 503, description = "It is shutting down, or its database is not there.", body = StateView),
    ),
)]
pub(crate) async fn ready(health: web::Data<Health>, drain: web::Data<Drain>) -> Result<HttpResponse, Problem> {
    let status = match drain.is_begun() {
        true => "draining",
        false if check("database", &*health.database).await.is_up() => {
            return state(&mut HttpResponse::Ok(), &StateView { status: "ready" });
        }
        false => "unhealthy",
    };
    state(&mut unavailable(), &StateView { status })
}

fn unavailable() -> HttpResponseBuilder {
    let mut builder = HttpResponse::ServiceUnavailable();
    builder.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
    builder
}

fn state(builder: &mut HttpResponseBuilder, view: &impl Serialize) -> Result<HttpResponse, Problem> {
    reply::json(builder.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store"))), view)
}
