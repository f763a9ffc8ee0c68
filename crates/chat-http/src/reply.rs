//! Good answers: their statuses, and the headers that belong to chat content.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use serde::Serialize;

use crate::answers::Answer;
use crate::etag::{IfNoneMatch, Tag};
use crate::link::Links;
use crate::problem::Problem;

/// Content is one person's, and is asked for anew each time, which costs nothing where it did not change.
pub(crate) const CONTENT: HeaderValue = HeaderValue::from_static("private, no-cache");
/// Says that a request made nothing, because an earlier one with its key had.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// What the bodies are.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Marks an answer against compression.
pub(crate) const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
/// Answers below so many bytes gain nothing from being compressed.
const COMPRESS_FROM: usize = 1024;

/// 200 with a representation, or 304 where the client has it.
pub(crate) fn shown(known: &IfNoneMatch, tag: &Tag, value: &impl Serialize) -> Result<HttpResponse, Problem> {
    if let Some(known) = known.matching(|| tag.clone()) {
        return Ok(not_modified(known, None));
    }
    let mut builder = HttpResponse::Ok();
    builder.insert_header((header::ETAG, tag.header()));
    json(content(&mut builder), value)
}

/// 304: the client has it, under this tag.
pub(crate) fn not_modified(known: HeaderValue, links: Option<&Links>) -> HttpResponse {
    let mut builder = HttpResponse::NotModified();
    builder.insert_header((header::ETAG, known));
    link(&mut builder, links.and_then(Links::header));
    content(&mut builder).finish()
}

/// 200 with an answer that was printed, now or before.
pub(crate) fn printed(answer: Answer) -> HttpResponse {
    let mut builder = HttpResponse::Ok();
    if let Some(tag) = answer.head.tag {
        builder.insert_header((header::ETAG, tag));
    }
    link(&mut builder, answer.head.link);
    sent(content(&mut builder), answer.body)
}

/// 200 with a list that has no tag.
pub(crate) fn listed(links: &Links, value: &impl Serialize) -> Result<HttpResponse, Problem> {
    let mut builder = HttpResponse::Ok();
    link(&mut builder, links.header());
    json(content(&mut builder), value)
}

/// 200 with a thing that was changed, or was as wanted already.
pub(crate) fn changed(tag: &Tag, replayed: bool, value: &impl Serialize) -> Result<HttpResponse, Problem> {
    written(HttpResponse::Ok(), tag, replayed, value)
}

/// 204: a thing was taken away, and there is nothing to be shown.
pub(crate) fn gone() -> HttpResponse {
    content(&mut HttpResponse::NoContent()).finish()
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

/// 201 with a thing that was made and never changes.
pub(crate) fn made(location: HeaderValue, replayed: bool, value: &impl Serialize) -> Result<HttpResponse, Problem> {
    let mut builder = HttpResponse::Created();
    builder.insert_header((header::LOCATION, location));
    if replayed {
        builder.insert_header((REPLAYED, HeaderValue::from_static("true")));
    }
    json(content(&mut builder), value)
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

fn link(builder: &mut HttpResponseBuilder, value: Option<HeaderValue>) {
    if let Some(value) = value {
        builder.insert_header((header::LINK, value));
    }
}

/// A JSON body, marked against compression where it is small.
pub(crate) fn json(builder: &mut HttpResponseBuilder, value: &impl Serialize) -> Result<HttpResponse, Problem> {
    Ok(sent(builder, print(value)?))
}

/// The bytes of a JSON body.
pub(crate) fn print(value: &impl Serialize) -> Result<Bytes, Problem> {
    serde_json::to_vec(value).map(Bytes::from).map_err(Problem::internal)
}

fn sent(builder: &mut HttpResponseBuilder, body: Bytes) -> HttpResponse {
    if body.len() < COMPRESS_FROM {
        builder.insert_header((header::CONTENT_ENCODING, IDENTITY));
    }
    builder.insert_header((header::CONTENT_TYPE, JSON)).body(body)
}
