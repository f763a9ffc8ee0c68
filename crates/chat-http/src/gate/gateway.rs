//! Callers that a trusted gateway vouches for.

use std::net::SocketAddr;
use std::str::FromStr;

use actix_web::http::header::HeaderMap;
use chat_domain::access::{Caller, Refusal};

use super::{ROLE, TENANT, TrustedProxies, USER};

/// The caller, by the word of whoever is at the other end of the connection.
///
/// # Errors
/// Where that is nobody who is trusted, or it does not say all of who calls.
pub(super) fn caller(
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
    proxies: &TrustedProxies,
) -> Result<Caller, Refusal> {
    if !peer.is_some_and(|peer| proxies.contain(peer.ip())) {
        return Err(Refusal::UntrustedProxy);
    }
    Ok(Caller::new(named(headers, TENANT)?, named(headers, USER)?, named(headers, ROLE)?))
}

/// A header that must stand once. Where it stands twice, one of them may be a client's own.
fn named<T: FromStr>(headers: &HeaderMap, name: &'static str) -> Result<T, Refusal> {
    let mut values = headers.get_all(name);
    let value = values.next().ok_or(Refusal::MissingIdentity)?;
    if values.next().is_some() {
        return Err(Refusal::InvalidIdentity);
    }
    let text = str::from_utf8(value.as_bytes()).map_err(|_| Refusal::InvalidIdentity)?;
    text.parse().map_err(|_| Refusal::InvalidIdentity)
}
