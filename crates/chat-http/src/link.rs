//! `Link` and `Location`: references that can be followed as they are, under the prefix that the caller used.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;

use crate::extract::{encode_component, encode_path};

/// Where the interface lies.
pub(crate) const API: &str = "/api/v1";
/// Where it lies too: the Chorus API gateway forwards there.
pub(crate) const GATEWAY_API: &str = "/api/v1/chat";

/// A path under the prefix that the caller used.
pub(crate) fn location(request: &HttpRequest, below: std::fmt::Arguments<'_>) -> HeaderValue {
    HeaderValue::try_from(under_prefix(request, below)).unwrap_or(HeaderValue::from_static(API))
}

fn under_prefix(request: &HttpRequest, below: std::fmt::Arguments<'_>) -> String {
    let path = request.uri().path().as_bytes();
    let forwarded = path.strip_prefix(GATEWAY_API.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"));
    format!("{}{below}", if forwarded { GATEWAY_API } else { API })
}

/// The pages around one page, for a `Link` header (RFC 8288).
pub(crate) struct Links {
    path: String,
    value: String,
}

impl Links {
    /// To other pages of the same path.
    pub(crate) fn here(request: &HttpRequest) -> Self {
        Self { path: encode_path(request.uri().path()), value: String::new() }
    }

    /// To nowhere: what is listed is all that there is.
    pub(crate) const fn none() -> Self {
        Self { path: String::new(), value: String::new() }
    }

    /// To pages of a path under the prefix that the caller used.
    pub(crate) fn to(request: &HttpRequest, below: std::fmt::Arguments<'_>) -> Self {
        Self { path: under_prefix(request, below), value: String::new() }
    }

    /// Adds a link with those parameters that have a value.
    pub(crate) fn add(&mut self, rel: &str, parameters: &[(&str, Option<&str>)]) {
        let mut query = String::new();
        for (name, value) in parameters {
            if let Some(value) = value {
                query.push(if query.is_empty() { '?' } else { '&' });
                query.extend([name, "=", &encode_component(value)]);
            }
        }
        let comma = if self.value.is_empty() { "" } else { ", " };
        self.value.extend([comma, "<", &self.path, &query, ">; rel=\"", rel, "\""]);
    }

    /// Adds links to the pages around one of a list that goes by cursors: to the same question, from each of these on.
    pub(crate) fn add_around(&mut self, cursors: [(&str, Option<String>); 2], question: &[(&str, Option<&str>)]) {
        for (rel, cursor) in cursors {
            if let Some(cursor) = cursor {
                self.add(rel, &[question, &[("cursor", Some(&*cursor))]].concat());
            }
        }
    }

    /// The header's value, where there is a link.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        if self.value.is_empty() { None } else { HeaderValue::try_from(&self.value).ok() }
    }
}
