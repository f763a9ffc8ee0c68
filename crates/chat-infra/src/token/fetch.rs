//! Fetching a set of keys over HTTP.

use std::str::FromStr;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use url::{Host, Url};

use super::error::KeySetError;
use super::source::MAX_SET_BYTES;
use crate::operation::traceparent;

/// The longest that a connection may take.
const CONNECTING: Duration = Duration::from_secs(2);
/// The longest that a whole set may take.
pub(super) const FETCHING: Duration = Duration::from_secs(4);

/// A place on the net from which keys may be taken: by https, or by http from this machine itself, without a name or
/// password in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetUrl(Url);

/// A text that names no such place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an https URL without a user and password (http is taken for a loopback address)")]
pub struct InvalidKeySetUrl;

impl FromStr for KeySetUrl {
    type Err = InvalidKeySetUrl;

    fn from_str(text: &str) -> Result<Self, InvalidKeySetUrl> {
        let url = Url::parse(text).map_err(|_| InvalidKeySetUrl)?;
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        let is_sound = match url.scheme() {
            "https" => url.has_host(),
            "http" => is_loopback(&url),
            _ => false,
        };
        if is_anonymous && is_sound { Ok(Self(url)) } else { Err(InvalidKeySetUrl) }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A client for one set.
pub(super) struct Fetcher {
    client: Client,
    url: Url,
}

impl Fetcher {
    /// Makes the client: it follows no redirect, goes through no proxy, keeps no connection.
    ///
    /// # Errors
    /// Where the system has no certificates.
    pub(super) fn to(url: &KeySetUrl) -> Result<Self, KeySetError> {
        let client = Client::builder()
            .connect_timeout(CONNECTING)
            .timeout(FETCHING)
            .redirect(Policy::none())
            .no_proxy()
            .https_only(url.0.scheme() == "https")
            .pool_max_idle_per_host(0)
            .user_agent("chorus-chat-service");
        Ok(Self { client: client.build().map_err(KeySetError::Client)?, url: url.0.clone() })
    }

    /// Fetches the set.
    ///
    /// # Errors
    /// Where it does not come in time and in a reasonable size.
    pub(super) async fn fetch(&self) -> Result<Vec<u8>, KeySetError> {
        let failed = |error: reqwest::Error| KeySetError::Fetch(error.without_url());
        let mut request = self.client.get(self.url.clone());
        if let Some(parent) = traceparent() {
            request = request.header("traceparent", parent);
        }
        let mut answer = request.send().await.map_err(failed)?;
        if answer.status() != StatusCode::OK {
            return Err(KeySetError::Status(answer.status().as_u16()));
        }
        let mut text = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            text.extend_from_slice(&piece);
            if text.len() as u64 > MAX_SET_BYTES {
                return Err(KeySetError::TooLarge);
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_from_safe_places_only() {
        for good in ["https://id.example/jwks.json", "http://127.0.0.1:8080/", "http://localhost/x", "http://[::1]:1/"]
        {
            assert!(good.parse::<KeySetUrl>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "id.example",
            "http://id.example/",
            "http://localhost.evil/",
            "https://u:p@id.example/",
            "ftp://id.example/",
            "file:///etc/passwd",
            "http://10.0.0.1/",
        ] {
            assert_eq!(bad.parse::<KeySetUrl>(), Err(InvalidKeySetUrl), "{bad}");
        }
    }
}
