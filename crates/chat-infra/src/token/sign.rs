//! Tokens of one's own, for trying things out.

use std::time::Duration;

use chat_domain::access::Caller;
use chat_domain::timestamp::Timestamp;
use jsonwebtoken::{EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

/// What a new token says.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    /// Whose it is.
    pub caller: &'a Caller,
    /// From when on it holds.
    pub issued_at: Timestamp,
    /// How long it lives.
    pub lives: Duration,
    /// Whom it is for.
    pub audience: Option<&'a str>,
    /// Who made it.
    pub issuer: Option<&'a str>,
}

/// The token cannot be signed.
#[derive(Debug, thiserror::Error)]
#[error("the token cannot be signed")]
pub struct UnsignableToken(#[source] jsonwebtoken::errors::Error);

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    tenant_id: &'a str,
    role: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
}

/// Signs a token with HS256.
///
/// # Errors
/// Where the library cannot sign it.
pub fn sign_token(token: &NewToken<'_>, key: &SecretString) -> Result<String, UnsignableToken> {
    let lives = i64::try_from(token.lives.as_secs()).unwrap_or(i64::MAX);
    let claims = Claims {
        sub: token.caller.id().as_str(),
        tenant_id: token.caller.tenant().as_str(),
        role: token.caller.role().as_str(),
        iat: token.issued_at.as_micros().div_euclid(1_000_000),
        exp: token.issued_at.plus_seconds(lives).as_micros().div_euclid(1_000_000),
        aud: token.audience,
        iss: token.issuer,
    };
    let key = EncodingKey::from_secret(key.expose_secret().as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).map_err(UnsignableToken)
}
