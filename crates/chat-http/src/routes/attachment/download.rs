//! Giving a file out.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderValue};
use bytes::Bytes;
use chat_domain::attachment::{Attachment, FileReader, disposition};
use chat_domain::error::{RepositoryError, chain};
use futures_util::stream::{self, Stream};

use super::range::Part;
use crate::etag::Tag;
use crate::reply::{CONTENT, IDENTITY};
use crate::uploads::Uploads;

/// Whatever is in the file, a browser that shows it after all runs nothing of it.
const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");
const UNKNOWN: HeaderValue = HeaderValue::from_static("application/octet-stream");
const DOWNLOAD: HeaderValue = HeaderValue::from_static("attachment");

/// The answer with a part of the file; without a reader its head alone.
pub(super) fn answer(
    attachment: &Attachment,
    tag: &Tag,
    part: &Part,
    reader: Option<Box<dyn FileReader>>,
    uploads: Arc<Uploads>,
) -> HttpResponse {
    let (size, bytes) = (attachment.size, part.bytes(attachment.size));
    let mut builder = match part {
        Part::Whole => HttpResponse::Ok(),
        Part::Bytes(_) => {
            let mut builder = HttpResponse::PartialContent();
            let last = bytes.end.saturating_sub(1);
            builder.insert_header((header::CONTENT_RANGE, format!("bytes {}-{last}/{size}", bytes.start)));
            builder
        }
    };
    builder
        .insert_header((header::ETAG, tag.header()))
        .insert_header((header::CACHE_CONTROL, CONTENT))
        .insert_header((header::ACCEPT_RANGES, BYTES))
        .insert_header((header::CONTENT_TYPE, content_type(attachment)))
        .insert_header((header::CONTENT_DISPOSITION, named(attachment)))
        .insert_header((header::CONTENT_SECURITY_POLICY, SANDBOX))
        // A range counts the bytes of the file itself.
        .insert_header((header::CONTENT_ENCODING, IDENTITY));
    let length = bytes.end.saturating_sub(bytes.start);
    match reader {
        Some(reader) => builder.body(SizedStream::new(length, pieces(reader, uploads))),
        None => builder.body(SizedStream::new(length, stream::empty::<Result<Bytes, RepositoryError>>())),
    }
}

fn content_type(attachment: &Attachment) -> HeaderValue {
    let charset = if attachment.content_type.starts_with("text/") { "; charset=utf-8" } else { "" };
    HeaderValue::try_from(format!("{}{charset}", attachment.content_type)).unwrap_or(UNKNOWN)
}

fn named(attachment: &Attachment) -> HeaderValue {
    HeaderValue::try_from(disposition(&attachment.filename)).unwrap_or(DOWNLOAD)
}

/// The pieces of the file, each read when the one before is on its way.
fn pieces(reader: Box<dyn FileReader>, uploads: Arc<Uploads>) -> impl Stream<Item = Result<Bytes, RepositoryError>> {
    stream::try_unfold((reader, uploads), |(mut reader, uploads)| async move {
        let piece = reader.next().await;
        // Its head has gone: no problem can be told any more, and the connection is broken off.
        let piece = piece.inspect_err(|error| tracing::warn!(causes = chain(error), "a file could not be read"))?;
        Ok(piece.map(|piece| {
            uploads.sent(piece.len());
            (piece, (reader, uploads))
        }))
    })
}
