//! A token's parts, before anything in it may be believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat_domain::access::Refusal;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The parts of a compact JWS (RFC 7515): `header.claims.signature`, each in base64.
pub(super) struct Unverified<'a> {
    /// What is signed: the first two parts.
    signed: &'a str,
    claims: &'a str,
    signature: &'a str,
    /// The algorithm that the token asks for.
    pub(super) algorithm: Algorithm,
    /// The key that it asks for.
    pub(super) key_id: Option<String>,
}

/// What is read of a header. Where keys lie (`jku`, `x5u`) or what they are (`jwk`, `x5c`) is never taken from a token.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// Where it is none, or one that no key could make good.
    pub(super) fn read(token: &'a str) -> Result<Self, Refusal> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::MalformedToken)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::MalformedToken)?;
        if claims.contains('.') {
            return Err(Refusal::MalformedToken);
        }
        let header = decode(header)?;
        // A list would be read as a header too, by the places of its values.
        if header.trim_ascii_start().first() != Some(&b'{') {
            return Err(Refusal::MalformedToken);
        }
        let header: Header = serde_json::from_slice(&header).map_err(|_| Refusal::MalformedToken)?;
        if header.crit.is_some() {
            return Err(Refusal::UnsupportedExtension);
        }
        let algorithm = algorithm(&header.alg).ok_or(Refusal::UnsupportedAlgorithm)?;
        Ok(Self { signed, claims, signature, algorithm, key_id: header.kid })
    }

    /// Whether the signature is good under this key, which must be one for the token's algorithm.
    ///
    /// # Errors
    /// Where the signature is no base64.
    pub(super) fn is_signed_with(&self, key: &DecodingKey) -> Result<bool, Refusal> {
        let verified = jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), key, self.algorithm);
        verified.map_err(|_| Refusal::MalformedToken)
    }

    /// The JSON text of the claims; to be believed only once the signature is good.
    ///
    /// # Errors
    /// Where they are no base64.
    pub(super) fn claims(&self) -> Result<Vec<u8>, Refusal> {
        decode(self.claims)
    }
}

/// Exactly these, spelt exactly so: `none` is not among them, however it is spelt.
fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "HS256" => Some(Algorithm::HS256),
        "RS256" => Some(Algorithm::RS256),
        "ES256" => Some(Algorithm::ES256),
        "EdDSA" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::MalformedToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(header: &str) -> Option<Refusal> {
        let token = format!("{}.e30.", URL_SAFE_NO_PAD.encode(header));
        Unverified::read(&token).err()
    }

    #[test]
    fn an_algorithm_is_taken_by_its_exact_name_only() {
        for good in ["HS256", "RS256", "ES256", "EdDSA"] {
            assert_eq!(refusal(&format!(r#"{{"alg":"{good}","typ":"JWT"}}"#)), None, "{good}");
        }
        for bad in [
            "none", "None", "NONE", "nOnE", "", " none", "hs256", "HS256 ", "HS384", "HS512", "RS512", "PS256",
            "ES384", "ES256K", "Ed25519", "RSA-OAEP", "dir",
        ] {
            assert_eq!(refusal(&format!(r#"{{"alg":"{bad}"}}"#)), Some(Refusal::UnsupportedAlgorithm), "{bad}");
        }
    }

    #[test]
    fn a_header_that_is_none_is_malformed() {
        for bad in [
            "",
            "{}",
            "[]",
            r#"["HS256",null,null]"#,
            r#"{"alg":1}"#,
            r#"{"alg":null}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":"none","alg":"HS256"}"#,
            r#"{"alg":"HS256","kid":1}"#,
            r#"{"alg":"HS256"}x"#,
        ] {
            assert_eq!(refusal(bad), Some(Refusal::MalformedToken), "{bad}");
        }
    }

    #[test]
    fn an_extension_that_must_be_understood_is_not() {
        for bad in [r#"["exp"]"#, r#"["b64"]"#, "[]", "{}", "1"] {
            let header = format!(r#"{{"alg":"HS256","crit":{bad},"b64":false}}"#);
            assert_eq!(refusal(&header), Some(Refusal::UnsupportedExtension), "{bad}");
        }
    }
}
