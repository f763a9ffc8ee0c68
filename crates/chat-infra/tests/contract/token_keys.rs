//! Which key a token may be signed with: no token chooses how a key is used.

use std::sync::Arc;

use chat_domain::access::{Refusal, TokenError, TokenRules, TokenVerifier as _};
use chat_domain::clock::Clock as _;
use chat_domain::testing::fake::FakeClock;
use chat_infra::token::{JwtConfig, JwtVerifier, KeySetError, KeySource};
use serde_json::json;

use crate::token::{SECRET, file};
use crate::token_signer::{Signer, encode, set};

/// Claims that nothing is wrong with.
pub(crate) fn claims() -> String {
    let exp = FakeClock::new().now().plus_seconds(600).as_micros() / 1_000_000;
    json!({"sub": "ann", "tenant_id": "acme", "role": "user", "exp": exp}).to_string()
}

fn verifier(secrets: &[&str], keys: Option<KeySource>) -> Result<JwtVerifier, KeySetError> {
    let secrets = secrets.iter().map(|secret| (*secret).into()).collect();
    let config = JwtConfig { secrets, keys, ..JwtConfig::new(TokenRules::default()) };
    JwtVerifier::start(&config, Arc::new(FakeClock::new()))
}

async fn refusal(verifier: &JwtVerifier, token: &str) -> Option<Refusal> {
    match verifier.verify(token).await {
        Ok(_) => None,
        Err(TokenError::Refused(refusal)) => Some(refusal),
        Err(TokenError::KeysUnavailable) => panic!("the keys are there"),
    }
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_are_good() {
    let (new, old) = (Signer::hs256(SECRET), Signer::hs256("b1d5781111d84f7b3fe45a0852e59758"));
    let both = verifier(&[SECRET, "b1d5781111d84f7b3fe45a0852e59758"], None).unwrap();
    let one = verifier(&[SECRET], None).unwrap();
    assert_eq!(refusal(&both, &new.sign(&claims())).await, None);
    assert_eq!(refusal(&both, &old.sign(&claims())).await, None);
    assert_eq!(refusal(&one, &new.sign(&claims())).await, None);
    assert_eq!(refusal(&one, &old.sign(&claims())).await, Some(Refusal::BadSignature));
}

#[tokio::test]
async fn a_secret_has_no_name() {
    let verifier = verifier(&[SECRET], None).unwrap();
    let token = Signer::hs256(SECRET).named(Some("foreign")).sign(&claims());
    assert_eq!(refusal(&verifier, &token).await, Some(Refusal::UnknownKey));
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused_however_it_says_so() {
    let verifier = verifier(&[SECRET], None).unwrap();
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for signature in ["", "AA"] {
            let token = format!("{}.{}.{signature}", encode(&json!({"alg": alg}).to_string()), encode(&claims()));
            assert_eq!(refusal(&verifier, &token).await, Some(Refusal::UnsupportedAlgorithm), "{alg}");
        }
    }
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"HS256"}"#), encode(&claims()));
    assert_eq!(refusal(&verifier, &unsigned).await, Some(Refusal::BadSignature));
}

/// The attack that gave the algorithm in the header its bad name: what is public is taken for a secret.
#[tokio::test]
async fn a_public_key_is_never_a_secret() {
    let rsa = Signer::rs256("one");
    let (_directory, path) = file(&set(&[&rsa]));
    let public = verifier(&[], Some(KeySource::File(path.clone()))).unwrap();
    let mixed = verifier(&[SECRET], Some(KeySource::File(path))).unwrap();
    let jwk = rsa.public();
    for secret in [jwk["n"].as_str().unwrap().to_owned(), jwk.to_string(), set(&[&rsa])] {
        let forger = Signer::hs256(&secret);
        assert_eq!(refusal(&public, &forger.sign(&claims())).await, Some(Refusal::UnknownKey));
        assert_eq!(refusal(&mixed, &forger.sign(&claims())).await, Some(Refusal::BadSignature));
        for verifier in [&public, &mixed] {
            let named = forger.named(Some("one")).sign(&claims());
            assert_eq!(refusal(verifier, &named).await, Some(Refusal::WrongKeyType));
        }
    }
    assert_eq!(refusal(&mixed, &rsa.sign(&claims())).await, None);
    assert_eq!(refusal(&mixed, &Signer::hs256(SECRET).sign(&claims())).await, None);
}

#[tokio::test]
async fn each_key_is_for_its_own_algorithm_only() {
    let (rsa, ec, ed) = (Signer::rs256("rsa"), Signer::es256("ec"), Signer::eddsa("ed"));
    let (_directory, path) = file(&set(&[&rsa, &ec, &ed]));
    let verifier = verifier(&[], Some(KeySource::File(path))).unwrap();
    for signer in [&rsa, &ec, &ed] {
        assert_eq!(refusal(&verifier, &signer.sign(&claims())).await, None);
        assert_eq!(refusal(&verifier, &signer.named(None).sign(&claims())).await, None, "the name may be left out");
        assert_eq!(refusal(&verifier, &signer.named(Some("foreign")).sign(&claims())).await, Some(Refusal::UnknownKey));
        let other = if signer.public()["kid"] == "rsa" { "ec" } else { "rsa" };
        assert_eq!(refusal(&verifier, &signer.named(Some(other)).sign(&claims())).await, Some(Refusal::WrongKeyType));
    }
    let stranger = Signer::es256("ec");
    assert_eq!(refusal(&verifier, &stranger.sign(&claims())).await, Some(Refusal::BadSignature));
    assert_eq!(refusal(&verifier, &stranger.named(None).sign(&claims())).await, Some(Refusal::BadSignature));
}

#[tokio::test]
async fn a_key_that_comes_with_the_token_is_not_looked_at() {
    let (rsa, stranger) = (Signer::rs256("one"), Signer::es256("own"));
    let (_directory, path) = file(&set(&[&rsa]));
    let verifier = verifier(&[SECRET], Some(KeySource::File(path))).unwrap();
    let header = json!({"alg": "ES256", "kid": "own", "jwk": stranger.public(), "jku": "https://evil.example/keys"});
    assert_eq!(refusal(&verifier, &stranger.sign_under(&header, &claims())).await, Some(Refusal::UnknownKey));
    let header = json!({"alg": "ES256", "jwk": stranger.public(), "x5u": "https://evil.example/"});
    assert_eq!(refusal(&verifier, &stranger.sign_under(&header, &claims())).await, Some(Refusal::UnknownKey));
}

#[tokio::test]
async fn a_file_that_is_no_use_stops_the_start() {
    let start = |path: std::path::PathBuf| verifier(&[], Some(KeySource::File(path))).err();
    let (directory, path) = file("{\"keys\":[]}");
    assert!(matches!(start(path), Some(KeySetError::Empty)));
    assert!(matches!(start(directory.path().join("none.json")), Some(KeySetError::File { .. })));
    assert!(matches!(start(directory.path().to_owned()), Some(KeySetError::File { .. })));
    let (_directory, path) = file("no set");
    assert!(matches!(start(path), Some(KeySetError::Malformed)));
    let (_directory, path) = file(&" ".repeat(300 * 1024));
    assert!(matches!(start(path), Some(KeySetError::TooLarge)));
}
