//! What the service says of itself: its name, its description, its metrics.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_swagger_ui::Config;

use crate::gate::AuthMode;
use crate::middleware::OWN_PAGE;
use crate::problem::{Kind, Problem};
use crate::reply;
use crate::scrape::Scrape;

/// The service's name.
pub(crate) const SERVICE: &str = "chat-service";
/// The version of the whole workspace, with the revision of its sources where the build knew it: `1.2.3+0123456789ab`.
pub const VERSION: &str = env!("CHAT_BUILD_VERSION");
/// The revision alone; empty where the build did not know it.
pub const REVISION: &str = env!("CHAT_BUILD_REVISION");
/// The compiler's release.
pub const COMPILER: &str = env!("CHAT_BUILD_RUSTC");

/// The OpenAPI document, written when it is first asked for.
static DESCRIPTION: LazyLock<Bytes> = LazyLock::new(|| crate::openapi::json().into());
/// The same, where no tokens are looked at.
static WITHOUT_TOKENS: LazyLock<Bytes> = LazyLock::new(|| crate::openapi::json_without_tokens().into());

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
pub(crate) async fn openapi(mode: web::Data<AuthMode>) -> HttpResponse {
    let description = if let AuthMode::Jwt(_) = **mode { &DESCRIPTION } else { &WITHOUT_TOKENS };
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .content_type(actix_web::mime::APPLICATION_JSON)
        .body(Bytes::clone(description))
}

/// Figures for Prometheus
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "service",
    responses((status = 200, description = "Prometheus text format.", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(scrape: web::Data<Scrape>) -> Result<HttpResponse, Problem> {
    // Some milliseconds of work, which other requests of this worker shall not wait for.
    let text = web::block(move || scrape.text()).await.map_err(Problem::internal)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text))
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
            .insert_header((header::CONTENT_SECURITY_POLICY, OWN_PAGE))
            .content_type(file.content_type)
            .body(shared(file.bytes))),
        Ok(None) => Err(not_found()),
        Err(error) => Err(Problem::internal(std::io::Error::other(error.to_string()))),
    }
}

/// What is part of the program is not copied.
fn shared(text: Cow<'static, [u8]>) -> Bytes {
    match text {
        Cow::Borrowed(text) => Bytes::from_static(text),
        Cow::Owned(text) => text.into(),
    }
}

/// Nothing lies at this path.
pub(crate) fn not_found() -> Problem {
    Problem::new(Kind::RouteNotFound, "There is nothing at this path.")
}
