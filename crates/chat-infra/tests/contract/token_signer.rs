//! Whoever signs tokens, rightly or not.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// A key with a name.
#[derive(Clone)]
pub(crate) struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
    id: Option<String>,
}

impl Signer {
    pub(crate) fn hs256(secret: &str) -> Self {
        Self { algorithm: Algorithm::HS256, key: EncodingKey::from_secret(secret.as_bytes()), id: None }
    }

    /// Always the same key: making one takes its time.
    pub(crate) fn rs256(id: &str) -> Self {
        static KEY: OnceLock<Vec<u8>> = OnceLock::new();
        // What signs wants the bare key of PKCS #1, which PKCS #8 wraps into 26 bytes that say what it is.
        let key =
            KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref()[26..].to_vec());
        Self { algorithm: Algorithm::RS256, key: EncodingKey::from_rsa_der(key), id: Some(id.to_owned()) }
    }

    pub(crate) fn es256(id: &str) -> Self {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Self { algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(key.as_ref()), id: Some(id.to_owned()) }
    }

    pub(crate) fn eddsa(id: &str) -> Self {
        let key = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
        Self { algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(key.as_ref()), id: Some(id.to_owned()) }
    }

    /// The same key under another name, or none.
    pub(crate) fn named(&self, id: Option<&str>) -> Self {
        Self { id: id.map(str::to_owned), ..self.clone() }
    }

    /// The public key, as it stands in a set.
    pub(crate) fn public(&self) -> Value {
        let mut key = serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        key["use"] = json!("sig");
        if let Some(id) = &self.id {
            key["kid"] = json!(id);
        }
        key
    }

    /// A token with these claims.
    pub(crate) fn sign(&self, claims: &str) -> String {
        let mut header = json!({"alg": self.algorithm, "typ": "JWT"});
        if let Some(id) = &self.id {
            header["kid"] = json!(id);
        }
        self.sign_under(&header, claims)
    }

    /// A token with this header, which may say something else than what the key is.
    pub(crate) fn sign_under(&self, header: &Value, claims: &str) -> String {
        let message = format!("{}.{}", encode(&header.to_string()), encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

pub(crate) fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A set of these keys.
pub(crate) fn set(signers: &[&Signer]) -> String {
    let keys: Vec<_> = signers.iter().map(|signer| signer.public()).collect();
    json!({"keys": keys}).to_string()
}
