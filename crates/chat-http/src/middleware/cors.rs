//! Which pages of other origins may use the service from a browser.

use actix_cors::Cors;
use actix_web::http::Uri;
use actix_web::http::header::HeaderName;
use actix_web::http::uri::Authority;

/// Browsers may remember a permission for this long, in seconds.
const MAX_AGE: usize = 3_600;
/// The headers that a page may send.
const ALLOWED: [&str; 11] = [
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-tenant-id",
    "x-user-id",
    "x-user-role",
];
/// The headers that a page may read.
const EXPOSED: [&str; 8] =
    ["link", "etag", "location", "retry-after", "ratelimit", "ratelimit-policy", "idempotent-replayed", "x-request-id"];

/// The origins whose pages may use the service: none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsOrigins(Vec<String>);

/// A text that is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no origin such as https://chat.example.com")]
pub struct InvalidOrigin(String);

impl CorsOrigins {
    /// Checks a list of origins (`scheme://host`, and `:port`, which is left out where it is the scheme's own). `*` stands
    /// for all pages, which then may not send credentials.
    ///
    /// # Errors
    /// The first that is no origin.
    pub fn new<T: AsRef<str>>(origins: impl IntoIterator<Item = T>) -> Result<Self, InvalidOrigin> {
        origins.into_iter().map(|origin| checked(origin.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether no page may use the service.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The middleware that says so to browsers.
    pub(crate) fn middleware(&self) -> Cors {
        let cors = Cors::default()
            .allowed_methods(["GET", "HEAD", "POST", "PATCH", "DELETE"])
            .allowed_headers(ALLOWED.map(HeaderName::from_static))
            .expose_headers(EXPOSED.map(HeaderName::from_static))
            .max_age(MAX_AGE);
        if self.0.iter().any(|origin| origin == "*") {
            return cors.allow_any_origin().send_wildcard();
        }
        self.0.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)).supports_credentials()
    }
}

fn checked(text: &str) -> Result<String, InvalidOrigin> {
    let invalid = || InvalidOrigin(text.to_owned());
    if text == "*" {
        return Ok(text.to_owned());
    }
    let origin = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let uri: Uri = origin.parse().map_err(|_| invalid())?;
    let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
    let plain = !authority.is_empty() && !authority.contains('@');
    let whole = uri.scheme_str().map(|scheme| format!("{scheme}://{authority}"));
    if plain && whole.as_deref() == Some(&*origin) { Ok(without_own_port(&origin).to_owned()) } else { Err(invalid()) }
}

/// As browsers name it: they leave out the port that is the scheme's own, and compare letter by letter.
fn without_own_port(origin: &str) -> &str {
    let port = if origin.starts_with("https:") { ":443" } else { ":80" };
    origin.strip_suffix(port).unwrap_or(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_and_host_and_nothing_else() {
        for (text, origin) in [
            ("https://a.example", "https://a.example"),
            ("https://A.example/", "https://a.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://a.example:443", "https://a.example"),
            ("http://a.example:80/", "http://a.example"),
            ("https://a.example:80", "https://a.example:80"),
            ("https://a.example:8443", "https://a.example:8443"),
            ("*", "*"),
        ] {
            assert_eq!(CorsOrigins::new([text]), Ok(CorsOrigins(vec![origin.to_owned()])));
        }
        for bad in ["", "a.example", "https://", "https://a/x", "https://a?x", "https://u@a", "null", "https://a b"] {
            assert_eq!(CorsOrigins::new([bad]), Err(InvalidOrigin(bad.to_owned())));
        }
    }
}
