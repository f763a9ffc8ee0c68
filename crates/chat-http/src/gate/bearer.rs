//! Callers that a Bearer token names (RFC 6750).

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use chat_domain::access::{Caller, Refusal, TokenError, TokenVerifier};

use crate::problem::Problem;

/// The caller that the token names. A token that nobody knows yet is checked in any case: behind one address there are
/// many people, and whoever sends bad tokens must not keep the others out. But where `held_up` has something to say, no key
/// is waited for, and it says what becomes of a token that is no good by the keys at hand.
///
/// # Errors
/// Where there is no such token, or it names nobody.
pub(super) async fn caller<H>(
    headers: &HeaderMap,
    verifier: &dyn TokenVerifier,
    held_up: impl FnOnce() -> Option<H>,
) -> Result<Caller, Problem>
where
    H: FnOnce() -> Problem,
{
    let token = token(headers)?;
    if let Some(identity) = verifier.recall(token) {
        return Ok(identity.caller);
    }
    let Some(refuse) = held_up() else { return Ok(verifier.verify(token).await?.caller) };
    match verifier.check(token) {
        Ok(identity) => Ok(identity.caller),
        Err(TokenError::Refused(_)) => Err(refuse()),
        Err(TokenError::KeysUnavailable) => Err(TokenError::KeysUnavailable.into()),
    }
}

/// The token of `Authorization: Bearer …`.
fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = values.next().ok_or(Refusal::MissingToken)?.as_bytes();
    if values.next().is_some() {
        return Err(Refusal::RepeatedAuthorization);
    }
    let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, token) = value.split_at(end);
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(Refusal::UnsupportedScheme);
    }
    match str::from_utf8(token.trim_ascii()) {
        Ok("") => Err(Refusal::MissingToken),
        Ok(token) => Ok(token),
        Err(_) => Err(Refusal::MalformedToken),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<String, Refusal> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn the_scheme_is_known_in_any_case() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "Bearer   a.b.c"] {
            assert_eq!(read(&[value.as_bytes()]).as_deref(), Ok("a.b.c"), "{value}");
        }
    }

    #[test]
    fn what_is_no_bearer_token_is_refused() {
        assert_eq!(read(&[]), Err(Refusal::MissingToken));
        assert_eq!(read(&[b"Bearer a.b.c", b"Bearer a.b.c"]), Err(Refusal::RepeatedAuthorization));
        for (value, refusal) in [
            (&b""[..], Refusal::UnsupportedScheme),
            (b"Basic YTpi", Refusal::UnsupportedScheme),
            (b"a.b.c", Refusal::UnsupportedScheme),
            (b"Bearera.b.c", Refusal::UnsupportedScheme),
            (b"Bearer", Refusal::MissingToken),
            (b"Bearer  ", Refusal::MissingToken),
            (b"Bearer \xff", Refusal::MalformedToken),
        ] {
            assert_eq!(read(&[value]), Err(refusal), "{value:?}");
        }
    }
}
