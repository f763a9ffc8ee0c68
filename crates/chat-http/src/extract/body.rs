//! JSON bodies: the right media type, not too large, not too slow, and read once, straight into their type.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::mime::{CHARSET, Mime, Name, UTF_8};
use actix_web::{HttpMessage as _, HttpRequest, web};
use bytes::Bytes;
use chat_domain::access::Caller;
use chat_domain::fault::{Faults, Rejection};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::room::{BodyRoom, Pieces, SHORT};
use super::wire::Body;
use super::{Part, Reading, lenient};
use crate::problem::{Kind, Problem};
use crate::server::HALF_SENT;

/// How much and how slow a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// The largest body, in bytes.
    pub(crate) bytes: usize,
    /// The longest silence between two pieces.
    pub(crate) stall: Duration,
    /// The longest time for the whole.
    pub(crate) whole: Duration,
}

/// The media type of a JSON body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json`
    Json,
    /// `application/merge-patch+json`
    MergePatch,
}

/// A JSON body in its type.
pub(crate) struct ApiJson<T> {
    pub(crate) value: T,
    pub(crate) media: Media,
    pub(crate) text: Text,
}

/// The text of a body, kept for a second look where the domain refuses what stood in it.
pub(crate) struct Text(Bytes);

impl Text {
    /// What is wrong after all: parts that are taken as they are, such as metadata, are only found not to be JSON when
    /// the domain looks at them, and that is another problem than a refused value.
    pub(crate) fn explain(&self, problem: impl Into<Problem>) -> Problem {
        let problem = problem.into();
        match problem.kind() {
            Kind::InvalidRequest => lenient::check_syntax(&self.0).err().unwrap_or(problem),
            _ => problem,
        }
    }
}

impl<T: Body> Part for ApiJson<T> {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        let media = media(from, T::MERGE_PATCH)?;
        let text = whole(from).await?;
        parse(from, text, media)
    }
}

fn parse<T: Body>(from: &mut Reading, text: Bytes, media: Media) -> Result<Option<ApiJson<T>>, Problem> {
    // The derived reader would take an array for the fields in their order.
    let strict = text.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(&text));
    match strict {
        Some(Ok(value)) if from.faults.is_empty() => return Ok(Some(ApiJson { value, media, text: Text(text) })),
        Some(Ok(_) | Err(_)) | None => {}
    }
    let unread = strict.and_then(Result::err).map(|error| Unread { line: error.line(), column: error.column() });
    let faults = lenient::examine::<T>(&text, media, from.caller.as_ref())?;
    if faults.is_empty() && from.faults.is_empty() {
        // The strict reader saw something that the lenient one does not know.
        let problem = Problem::new(Kind::MalformedJson, "The body cannot be read.");
        return Err(match unread {
            Some(unread) => problem.because(unread),
            None => problem,
        });
    }
    from.faults.extend(faults);
    Ok(None)
}

/// Where the strict reader stopped. What it says of it may quote what it read.
#[derive(Debug, thiserror::Error)]
#[error("the reader stopped at line {line} column {column}")]
struct Unread {
    line: usize,
    column: usize,
}

/// No body, or an object without fields.
pub(crate) struct NoBody;

/// An object without fields.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EmptyObject)]
pub(crate) struct Empty {}

impl Body for Empty {
    const NAMES: &'static [&'static str] = &[];

    fn set(&mut self, _: &str, _: &RawValue) -> Result<(), Rejection> {
        Ok(())
    }

    fn faults(self, _: Media, _: Option<&Caller>) -> Faults {
        Faults::none()
    }
}

impl Part for NoBody {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        let text = whole(from).await?;
        if text.is_empty() {
            return Ok(Some(Self));
        }
        let media = media(from, false)?;
        Ok(parse::<Empty>(from, text, media)?.map(|_| Self))
    }
}

/// The media type of the body, where it is one that the route takes.
fn media(from: &Reading, merge_patch: bool) -> Result<Media, Problem> {
    let mime = from.request.mime_type().ok().flatten();
    let is_utf8 = |(name, value): (Name<'_>, Name<'_>)| name != CHARSET || value == UTF_8 || value == "utf8";
    let charset_fits = |mime: &Mime| mime.params().all(is_utf8);
    let essence = mime.as_ref().filter(|mime| charset_fits(mime)).map(Mime::essence_str);
    match essence {
        Some("application/json") => Ok(Media::Json),
        Some("application/merge-patch+json") if merge_patch => Ok(Media::MergePatch),
        _ if merge_patch => {
            Err(unsupported("The body must be application/json or application/merge-patch+json, in UTF-8."))
        }
        _ => Err(unsupported("The body must be application/json, in UTF-8.")),
    }
}

/// Another media type than the route takes.
pub(super) fn unsupported(detail: &'static str) -> Problem {
    Problem::new(Kind::UnsupportedMediaType, detail)
}

/// Compressed bodies are refused: a small body gains nothing by it, and a bomb would.
pub(super) fn uncompressed(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get_all(header::CONTENT_ENCODING).any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let accept = HeaderValue::from_static("identity");
        return Err(unsupported("The body must not be compressed.").with_header(header::ACCEPT_ENCODING, accept));
    }
    Ok(())
}

/// The bytes of the body.
async fn whole(from: &mut Reading) -> Result<Bytes, Problem> {
    let limits = from.request.app_data::<web::Data<BodyLimits>>().map_or_else(BodyLimits::default, |limits| ***limits);
    let headers = from.request.headers();
    uncompressed(headers)?;
    match announced(headers) {
        Some(length) if length > limits.bytes => return Err(too_large(&limits)),
        Some(length) if length > SHORT => room(&from.request)?.has_room(length)?,
        _ => {}
    }
    let end = Instant::now() + limits.whole;
    let mut pieces = Pieces::default();
    while let Some(piece) = next(&mut from.payload, &limits, end).await? {
        if pieces.len() + piece.len() > limits.bytes {
            return Err(too_large(&limits));
        }
        pieces.push(piece, limits.bytes, || room(&from.request))?;
    }
    Ok(pieces.join())
}

/// Where bodies are counted that are not short.
fn room(request: &HttpRequest) -> Result<Arc<BodyRoom>, Problem> {
    let room = request.app_data::<web::Data<BodyRoom>>().cloned().map(web::Data::into_inner);
    room.ok_or_else(|| Problem::of_assembly("there is no room for bodies"))
}

/// The next piece, waited for no longer than a piece and the whole may take.
async fn next(payload: &mut Payload, limits: &BodyLimits, end: Instant) -> Result<Option<Bytes>, Problem> {
    let piece_end = end.min(Instant::now() + limits.stall);
    match timeout_at(piece_end, payload.next()).await {
        Ok(piece) => piece.transpose().map_err(broken),
        Err(_) => Err(Problem::new(Kind::RequestTimeout, "The body did not come in time.")),
    }
}

/// How long the body is, where its client has said so.
pub(super) fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limits: &BodyLimits) -> Problem {
    Problem::new(Kind::PayloadTooLarge, format!("The body must be at most {} bytes.", limits.bytes))
}

/// A body that did not come to its end.
pub(super) fn broken(error: PayloadError) -> Problem {
    let problem = match error {
        PayloadError::Overflow => Problem::new(Kind::PayloadTooLarge, "The body is too large."),
        _ => Problem::new(Kind::IncompleteBody, "The body broke off."),
    };
    problem.because(error)
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { bytes: 256 * 1024, stall: HALF_SENT, whole: Duration::from_mins(1) }
    }
}
