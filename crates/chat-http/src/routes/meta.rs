//! What the service says of itself: its name, its description, its metrics.

use std::sync::{Arc, LazyLock};

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_swagger_ui::Config;

use crate::problem::{Kind, Problem};
use crate::reply;

/// The service's name.
pub(crate) const SERVICE: &str = "chat-service";
/// The version of the whole workspace.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The OpenAPI document, written when it is first asked for.
static DESCRIPTION: LazyLock<Bytes> = LazyLock::new(|| crate::openapi::json().into());

/// What runs here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = About)]
pub(crate) struct AboutView {
    #[schema(example = "chat-service")]
    service: &'static str,
    version: &'static str,
    #[schema(example = "running")]
    status: &'static str,
}

/// What runs here
#[utoipa::path(
    get, path = "/", operation_id = "get_about", tag = "service",
    responses((status = 200, description = "It runs.", body = AboutView)),
)]
pub(crate) async fn about() -> Result<HttpResponse, Problem> {
    reply::json(&mut HttpResponse::Ok(), &AboutView { service: SERVICE, version: VERSION, status: "running" })
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi", tag = "service",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = Object, content_type = "application/json")),
)]
pub(crate) async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .content_type(actix_web::mime::APPLICATION_JSON)
        .body(DESCRIPTION.clone())
}

/// Figures for Prometheus
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "service",
    responses((status = 200, description = "Prometheus text format.", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(handle: web::Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(handle.render())
}

/// The settings of the interactive page. It asks nobody but this service: no validator on the net.
pub(crate) fn page_config() -> Config<'static> {
    Config::from("/openapi.json").validator_url("none")
}

/// `/docs`: to where the page lies.
pub(crate) async fn docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, HeaderValue::from_static("/docs/"))).finish()
}

/// The interactive page and what belongs to it.
pub(crate) async fn docs_file(
    request: HttpRequest,
    config: web::Data<Config<'static>>,
) -> Result<HttpResponse, Problem> {
    let path = request.match_info().query("file");
    match utoipa_swagger_ui::serve(path, Arc::clone(&config)) {
        Ok(Some(file)) => Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
            .content_type(file.content_type)
            .body(file.bytes.into_owned())),
        Ok(None) => Err(not_found()),
        Err(error) => Err(Problem::internal(std::io::Error::other(error.to_string()))),
    }
}

/// Nothing lies at this path.
pub(crate) fn not_found() -> Problem {
    Problem::new(Kind::RouteNotFound, "There is nothing at this path.")
}
