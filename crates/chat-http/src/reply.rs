//! Good answers: their statuses, and the headers that belong to chat content.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use crate::etag::{IfNoneMatch, Tag};
use crate::link::Links;
use crate::problem::Problem;

/// Content is one person's, and is asked for anew each time, which costs nothing where it did not change.
const CONTENT: HeaderValue = HeaderValue::from_static("private, no-cache");
/// Says that a request made nothing, because an earlier one with its key had.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Answers below so many bytes gain nothing from being compressed.
const COMPRESS_FROM: usize = 1024;

/// 200 with a representation, or 304 where the client has it.
pub(crate) fn shown(
    known: &IfNoneMatch,
    tag: &Tag,
    links: Option<&Links>,
    value: &impl Serialize,
) -> Result<HttpResponse, Problem> {
    let known = known.matching(tag);
    let mut builder = if known.is_some() { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    let not_modified = known.is_some();
    builder.insert_header((header::ETAG, known.unwrap_or_else(|| tag.header())));
    link(&mut builder, links);
    let builder = content(&mut builder);
    if not_modified { Ok(builder.finish()) } else { json(builder, value) }
}

/// 200 with a list that has no tag.
pub(crate) fn listed(links: &Links, value: &impl Serialize) -> Result<HttpResponse, Problem> {
    let mut builder = HttpResponse::Ok();
    link(&mut builder, Some(links));
    json(content(&mut builder), value)
}

/// 200 with a thing that was changed, or was as wanted already.
pub(crate) fn changed(tag: &Tag, replayed: bool, value: &impl Serialize) -> Result<HttpResponse, Problem> {
    written(HttpResponse::Ok(), tag, replayed, value)
}

/// 201 with a thing that was made.
pub(crate) fn created(
    location: HeaderValue,
    tag: &Tag,
    replayed: bool,
    value: &impl Serialize,
) -> Result<HttpResponse, Problem> {
    let mut builder = HttpResponse::Created();
    builder.insert_header((header::LOCATION, location));
    written(builder, tag, replayed, value)
}

fn written(
    mut builder: HttpResponseBuilder,
    tag: &Tag,
    replayed: bool,
    value: &impl Serialize,
) -> Result<HttpResponse, Problem> {
    builder.insert_header((header::ETAG, tag.header()));
    if replayed {
        builder.insert_header((REPLAYED, HeaderValue::from_static("true")));
    }
    json(content(&mut builder), value)
}

fn content(builder: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    builder.insert_header((header::CACHE_CONTROL, CONTENT))
}

fn link(builder: &mut HttpResponseBuilder, links: Option<&Links>) {
    if let Some(value) = links.and_then(Links::header) {
        builder.insert_header((header::LINK, value));
    }
}

/// A JSON body, marked against compression where it is small.
pub(crate) fn json(builder: &mut HttpResponseBuilder, value: &impl Serialize) -> Result<HttpResponse, Problem> {
    let body = serde_json::to_vec(value).map_err(Problem::internal)?;
    if body.len() < COMPRESS_FROM {
        builder.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("identity")));
    }
    Ok(builder.content_type(actix_web::mime::APPLICATION_JSON).body(body))
}
