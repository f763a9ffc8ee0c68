//! Keys out of a JSON Web Key Set (RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::error::KeySetError;

/// The most keys of a set: a token without a key's id is tried with each that fits.
pub(super) const MAX_KEYS: usize = 64;
/// The shortest RSA modulus that is taken, in bytes.
const MIN_MODULUS: usize = 256;

/// A public key and the one algorithm that it is for.
#[derive(Debug, Clone)]
pub(super) struct PublicKey {
    /// The key as it was published.
    pub(super) jwk: Jwk,
    /// What it verifies.
    pub(super) algorithm: Algorithm,
    /// The same key, ready for use.
    pub(super) key: DecodingKey,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// Reads a set. Keys that are of no use for tokens are passed over, as RFC 7517 wants it: for encryption, of other
/// kinds, too short, symmetric (what is published is no secret), or broken.
///
/// # Errors
/// Where the text is no set, or no key of it can be used: whoever publishes such a set has made a mistake.
pub(super) fn parse(text: &[u8]) -> Result<Vec<PublicKey>, KeySetError> {
    let set: Set = serde_json::from_slice(text).map_err(|_| KeySetError::Malformed)?;
    if set.keys.len() > MAX_KEYS {
        return Err(KeySetError::Malformed);
    }
    let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
    let keys: Vec<_> = keys.filter_map(usable).collect();
    if keys.is_empty() { Err(KeySetError::Empty) } else { Ok(keys) }
}

fn usable(jwk: Jwk) -> Option<PublicKey> {
    let is_for_signatures =
        jwk.common.public_key_use.as_ref().is_none_or(|for_what| *for_what == PublicKeyUse::Signature);
    let operations = jwk.common.key_operations.as_ref();
    let verifies = operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let algorithm = algorithm(&jwk.algorithm)?;
    let agrees =
        jwk.common.key_algorithm.is_none_or(|named| Algorithm::try_from(named).is_ok_and(|it| it == algorithm));
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    (is_for_signatures && verifies && agrees).then_some(PublicKey { jwk, algorithm, key })
}

/// The algorithm that a kind of key is for, here.
fn algorithm(parameters: &AlgorithmParameters) -> Option<Algorithm> {
    match parameters {
        AlgorithmParameters::RSA(key) => {
            let modulus = URL_SAFE_NO_PAD.decode(&key.n).ok()?;
            let length = modulus.iter().skip_while(|byte| **byte == 0).count();
            (length >= MIN_MODULUS).then_some(Algorithm::RS256)
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Some(Algorithm::ES256),
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Some(Algorithm::EdDSA),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn okp(changes: &Value) -> Value {
        let mut key =
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        for (name, value) in changes.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    }

    fn read(keys: &Value) -> Result<usize, KeySetError> {
        parse(json!({"keys": keys}).to_string().as_bytes()).map(|keys| keys.len())
    }

    #[test]
    fn a_key_that_is_for_signatures_is_kept() {
        for changes in [
            json!({}),
            json!({"use": "sig"}),
            json!({"alg": "EdDSA"}),
            json!({"key_ops": ["verify"]}),
            json!({"unknown": [1, {}]}),
        ] {
            assert!(matches!(read(&json!([okp(&changes)])), Ok(1)), "{changes}");
        }
    }

    #[test]
    fn a_key_that_is_of_no_use_is_passed_over_and_the_others_stay() {
        let short = URL_SAFE_NO_PAD.encode([[0_u8; 200], [255; 200]].concat());
        let bad = [
            okp(&json!({"use": "enc"})),
            okp(&json!({"alg": "RS256"})),
            okp(&json!({"alg": "HS256"})),
            okp(&json!({"key_ops": ["sign"]})),
            okp(&json!({"crv": "X25519"})),
            okp(&json!({"x": "not base64!"})),
            okp(&json!({"kty": "AKP"})),
            json!({"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "alg": "HS256"}),
            json!({"kty": "RSA", "n": short, "e": "AQAB"}),
            json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}),
            json!({"kty": "RSA"}),
            json!(null),
            json!("x"),
        ];
        for key in &bad {
            assert!(matches!(read(&json!([key])), Err(KeySetError::Empty)), "{key}");
        }
        let mut keys = bad.to_vec();
        keys.push(okp(&json!({})));
        assert!(matches!(read(&json!(keys)), Ok(1)));
    }

    #[test]
    fn what_is_no_set_is_an_error() {
        let many = json!({"keys": vec![okp(&json!({})); MAX_KEYS + 1]}).to_string();
        for bad in ["", "{}", "[]", "null", "<html>", "{\"keys\":{}}", "{\"keys\":[]", &many] {
            assert!(matches!(parse(bad.as_bytes()), Err(KeySetError::Malformed)), "{bad:.40}");
        }
        assert!(matches!(read(&json!([])), Err(KeySetError::Empty)));
    }
}
