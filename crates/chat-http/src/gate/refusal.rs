//! How a caller that is not known is answered.

use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use chat_domain::access::{Refusal, TokenError};

use crate::problem::{Kind, Problem};

/// What every 401 asks for. A gateway takes a token too, and vouches for whoever has a good one.
const CHALLENGE: &str = r#"Bearer realm="chorus""#;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Self::new(Kind::Unauthenticated(refusal), refusal.detail());
        problem.with_header(WWW_AUTHENTICATE, challenge(refusal))
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(refusal) => refusal.into(),
            TokenError::KeysUnavailable => {
                let detail = "No key is there to check the token with. Nothing was changed; try again.";
                Self::new(Kind::KeysUnavailable, detail).because(NoKeys)
            }
        }
    }
}

/// Why that is so is told where keys are got.
#[derive(Debug, thiserror::Error)]
#[error("no set of keys was to be had so far in which the token's could be")]
struct NoKeys;

/// The challenge of RFC 6750, section 3: a request that brought no token learns no more than that one is needed.
fn challenge(refusal: Refusal) -> HeaderValue {
    let error = match refusal {
        Refusal::MissingToken
        | Refusal::UnsupportedScheme
        | Refusal::UntrustedProxy
        | Refusal::MissingIdentity
        | Refusal::InvalidIdentity => return HeaderValue::from_static(CHALLENGE),
        Refusal::RepeatedAuthorization => "invalid_request",
        Refusal::TokenTooLong
        | Refusal::MalformedToken
        | Refusal::UnsupportedAlgorithm
        | Refusal::UnsupportedExtension
        | Refusal::UnknownKey
        | Refusal::WrongKeyType
        | Refusal::BadSignature
        | Refusal::MissingExpiry
        | Refusal::InvalidExpiry
        | Refusal::TokenExpired
        | Refusal::InvalidNotBefore
        | Refusal::TokenNotYetValid
        | Refusal::WrongIssuer
        | Refusal::WrongAudience
        | Refusal::ContradictingClaims
        | Refusal::MissingSubject
        | Refusal::InvalidSubject
        | Refusal::MissingTenant
        | Refusal::InvalidTenant
        | Refusal::MissingRole
        | Refusal::UnknownRole => "invalid_token",
    };
    let value = format!(r#"{CHALLENGE}, error="{error}", error_description="{}""#, refusal.detail());
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(CHALLENGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_a_challenge_and_says_why_where_a_token_came() {
        for refusal in Refusal::ALL {
            let challenge = challenge(*refusal);
            let challenge = challenge.to_str().unwrap();
            assert!(challenge.starts_with(CHALLENGE), "{challenge}");
            let told = challenge.contains("error=") && challenge.contains(refusal.detail());
            assert!(told || challenge == CHALLENGE, "{challenge}");
        }
        assert!(challenge(Refusal::TokenExpired).to_str().unwrap().contains(r#"error="invalid_token""#));
        assert_eq!(challenge(Refusal::MissingToken), CHALLENGE);
    }
}
