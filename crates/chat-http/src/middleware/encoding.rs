//! What an answer says of its encoding, once it is known whether it was compressed.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::etag;

const ENCODING: &str = "accept-encoding";
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

/// Adds it to the headers of an answer.
pub(super) fn describe(status: StatusCode, headers: &mut HeaderMap) {
    tell_encoding(headers);
    if status == StatusCode::NOT_MODIFIED || (status.is_success() && status != StatusCode::NO_CONTENT) {
        vary_by_encoding(headers);
    }
}

/// What may come compressed may come plain: a cache must know in both cases.
fn vary_by_encoding(headers: &mut HeaderMap) {
    let names = |value: &HeaderValue| value.as_bytes().to_ascii_lowercase();
    let said = |value: &HeaderValue| names(value).windows(ENCODING.len()).any(|name| name == ENCODING.as_bytes());
    if !headers.get_all(header::VARY).any(said) {
        headers.append(header::VARY, HeaderValue::from_static(ENCODING));
    }
}

/// A tag stands for bytes: compressed ones have their own. The mark against compression has done its work.
fn tell_encoding(headers: &mut HeaderMap) {
    match headers.get(header::CONTENT_ENCODING) {
        None => {}
        Some(encoding) if encoding == IDENTITY => {
            headers.remove(header::CONTENT_ENCODING);
        }
        Some(encoding) => {
            let tag = headers.get(header::ETAG).zip(encoding.to_str().ok());
            if let Some(tag) = tag.and_then(|(tag, encoding)| etag::suffixed(tag, encoding)) {
                headers.insert(header::ETAG, tag);
            }
        }
    }
}
