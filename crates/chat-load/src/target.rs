//! Where the load goes.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// An HTTP server, and the path under which all that is asked for lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    authority: String,
    base: String,
}

impl Target {
    /// A server on this machine.
    pub(crate) fn local(port: u16, base: &str) -> Self {
        Self { authority: format!("127.0.0.1:{port}"), base: base.to_owned() }
    }

    /// The same server, with nothing before the paths that are asked for.
    pub(crate) fn root(&self) -> Self {
        Self { authority: self.authority.clone(), base: String::new() }
    }

    /// Host and port, for the connection and the `Host` header.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The path and query of the URL, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.base)
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url: Url = text.parse().map_err(|error: url::ParseError| error.to_string())?;
        let (Some(host), "http") = (url.host_str(), url.scheme()) else {
            return Err("must begin with http:// and a host".to_owned());
        };
        let port = url.port().unwrap_or(80);
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Self { authority: format!("{host}:{port}"), base: format!("{}{query}", url.path().trim_end_matches('/')) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (text, authority, base) in [
            ("http://localhost", "localhost:80", ""),
            ("http://127.0.0.1:8000/", "127.0.0.1:8000", ""),
            ("http://[::1]:8000/api/v1/", "[::1]:8000", "/api/v1"),
            ("http://h/a?limit=50", "h:80", "/a?limit=50"),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!((target.authority(), target.base()), (authority, base), "{text}");
        }
    }

    #[test]
    fn other_schemes_are_refused() {
        for text in ["https://localhost/", "localhost:8000", "postgres://h/d", ""] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
