//! What a [`TokenVerifier`] promises.

use serde_json::{Value, json};

use super::stage::together;
use crate::access::{Identity, MAX_TOKEN_BYTES, Refusal, Role, TokenError, TokenVerifier};
use crate::clock::Clock as _;
use crate::testing::rig::TokenRig;

/// Runs the suite of a token verifier on a [`TokenRig`](crate::testing::rig::TokenRig):
/// `token_verifier_contract!(hs256, Hs256Rig);`.
#[macro_export]
macro_rules! token_verifier_contract {
    ($name:ident, $rig:ty) => {
        $crate::contract_suite!(
            $name,
            $rig as TokenRig,
            token,
            [
                a_good_token_names_its_caller,
                a_token_is_checked_by_the_keys_at_hand_without_waiting,
                what_is_no_token_is_refused,
                a_token_that_was_changed_is_refused,
                a_token_that_is_too_long_is_not_looked_at,
                a_known_token_dies_on_time,
                a_token_from_the_future_is_not_remembered,
                a_token_that_names_nobody_says_why,
                audience_and_issuer_are_held_to_what_is_wanted,
                many_at_once_get_what_their_tokens_say,
            ]
        );
    };
}

/// Claims that nothing is wrong with, for so many seconds.
fn claims<R: TokenRig>(rig: &R, seconds: i64) -> Value {
    let exp = rig.clock().now().plus_seconds(seconds).as_micros() / 1_000_000;
    json!({"sub": "ann", "tenant_id": "acme", "role": "agent", "exp": exp})
}

fn sign<R: TokenRig>(rig: &R, changes: &Value) -> String {
    let mut claims = claims(rig, 600);
    for (name, value) in changes.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    rig.sign(&claims.to_string())
}

/// Tries it twice: what is remembered of the first time must not change the second.
async fn verify(verifier: &dyn TokenVerifier, token: &str) -> Result<Identity, TokenError> {
    let first = verifier.verify(token).await;
    assert_eq!(verifier.verify(token).await, first);
    assert_eq!(verifier.recall(token), first.clone().ok(), "a verified token is known, and no other");
    first
}

/// A token gives the caller that its claims name, and its end.
pub async fn a_good_token_names_its_caller<R: TokenRig>(rig: &R) {
    let verifier = rig.verifier();
    let token = sign(rig, &json!({}));
    assert_eq!(verifier.recall(&token), None, "nobody has verified it yet");
    let identity = verify(&*verifier, &token).await.expect("a good token");
    let caller = &identity.caller;
    assert_eq!((caller.tenant().as_str(), caller.id().as_str(), caller.role()), ("acme", "ann", Role::Agent));
    assert_eq!(identity.expires_at, rig.clock().now().plus_seconds(600));
    let of_gateway =
        rig.sign(&claims(rig, 60).to_string().replace("\"sub\"", "\"id\"").replace("tenant_id", "tenantId"));
    assert_eq!(verify(&*verifier, &of_gateway).await.expect("a good token").caller, identity.caller);
}

/// Where the key is here, nobody has to wait; what is said of a bad token is the same.
pub async fn a_token_is_checked_by_the_keys_at_hand_without_waiting<R: TokenRig>(rig: &R) {
    let verifier = rig.verifier();
    // The keys are here once a token was verified with them.
    verify(&*verifier, &sign(rig, &json!({}))).await.expect("a good token");
    let token = sign(rig, &json!({"sub": "bob"}));
    let identity = verifier.check(&token).expect("a good token");
    assert_eq!(identity.caller.id().as_str(), "bob");
    assert_eq!(verifier.recall(&token), Some(identity), "a token that was checked is known");
    let long = "a".repeat(MAX_TOKEN_BYTES + 1);
    for bad in [sign(rig, &json!({"exp": 1})), format!("{token}A"), "a.b".to_owned(), long] {
        let checked = verifier.check(&bad);
        assert!(matches!(checked, Err(TokenError::Refused(_))), "{bad}");
        assert_eq!(checked, verifier.verify(&bad).await, "{bad}");
    }
}

/// Whatever is sent, the answer is a refusal.
pub async fn what_is_no_token_is_refused<R: TokenRig>(rig: &R) {
    let verifier = rig.verifier();
    let long = "a".repeat(MAX_TOKEN_BYTES);
    for garbage in ["", " ", ".", "..", "...", "a", "a.b", "a.b.c.d", "a.b.c.d.e", "null", "{}", "ü.ü", "\0", &*long]
    {
        assert_eq!(verify(&*verifier, garbage).await, Err(Refusal::MalformedToken.into()), "{garbage:?}");
    }
}

/// No byte of a token can be changed, nor can anything be put before or after it.
pub async fn a_token_that_was_changed_is_refused<R: TokenRig>(rig: &R) {
    let verifier = rig.verifier();
    let token = sign(rig, &json!({}));
    verify(&*verifier, &token).await.expect("a good token");
    for at in (0..token.len()).filter(|at| token.as_bytes()[*at] != b'.') {
        let mut bytes = token.clone().into_bytes();
        // The last character of a part may carry bits that mean nothing: such spellings are refused as well.
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert!(matches!(verify(&*verifier, &changed).await, Err(TokenError::Refused(_))), "{at}");
    }
    for changed in
        [format!("{token}="), format!("{token}A"), format!("A{token}"), format!("{token}."), format!(" {token}")]
    {
        assert!(matches!(verify(&*verifier, &changed).await, Err(TokenError::Refused(_))), "{changed}");
    }
}

/// Beyond the longest token nothing is read, be it good or not.
pub async fn a_token_that_is_too_long_is_not_looked_at<R: TokenRig>(rig: &R) {
    let verifier = rig.verifier();
    let good = sign(rig, &json!({"padding": "x".repeat(MAX_TOKEN_BYTES)}));
    let padded = format!("{good}{}", "A".repeat(MAX_TOKEN_BYTES));
    for long in [padded, "a".repeat(MAX_TOKEN_BYTES + 1), ".".repeat(100 * 1024)] {
        assert_eq!(verify(&*verifier, &long).await, Err(Refusal::TokenTooLong.into()));
    }
}

/// That a token is known does not prolong its life.
pub async fn a_known_token_dies_on_time<R: TokenRig>(rig: &R) {
    let verifier = rig.verifier();
    let token = rig.sign(&claims(rig, 60).to_string());
    verify(&*verifier, &token).await.expect("a good token");
    rig.clock().advance_seconds(59);
    verify(&*verifier, &token).await.expect("a good token");
    rig.clock().advance_seconds(1);
    assert_eq!(verifier.recall(&token), None);
    assert_eq!(verify(&*verifier, &token).await, Err(Refusal::TokenExpired.into()));
}

/// What was refused today may be good tomorrow.
pub async fn a_token_from_the_future_is_not_remembered<R: TokenRig>(rig: &R) {
    let verifier = rig.verifier();
    let from = rig.clock().now().plus_seconds(60).as_micros() / 1_000_000;
    let token = sign(rig, &json!({"nbf": from}));
    assert_eq!(verify(&*verifier, &token).await, Err(Refusal::TokenNotYetValid.into()));
    rig.clock().advance_seconds(60);
    verify(&*verifier, &token).await.expect("its time has come");
}

/// The rules about claims hold, whoever asks them.
pub async fn a_token_that_names_nobody_says_why<R: TokenRig>(rig: &R) {
    let verifier = rig.verifier();
    for (changes, refusal) in [
        (json!({"exp": null}), Refusal::MissingExpiry),
        (json!({"exp": "tomorrow"}), Refusal::InvalidExpiry),
        (json!({"exp": 1e300}), Refusal::InvalidExpiry),
        (json!({"exp": -1}), Refusal::InvalidExpiry),
        (json!({"exp": 1}), Refusal::TokenExpired),
        (json!({"nbf": "x"}), Refusal::InvalidNotBefore),
        (json!({"sub": null}), Refusal::MissingSubject),
        (json!({"sub": ""}), Refusal::InvalidSubject),
        (json!({"id": "eve"}), Refusal::ContradictingClaims),
        (json!({"tenant_id": null}), Refusal::MissingTenant),
        (json!({"tenant_id": "a b"}), Refusal::InvalidTenant),
        (json!({"role": null}), Refusal::MissingRole),
        (json!({"role": "root"}), Refusal::UnknownRole),
    ] {
        assert_eq!(verify(&*verifier, &sign(rig, &changes)).await, Err(refusal.into()), "{changes}");
    }
    assert_eq!(verify(&*verifier, &rig.sign("[]")).await, Err(Refusal::MalformedToken.into()));
}

/// A verifier that wants an audience and an issuer takes no token without them.
pub async fn audience_and_issuer_are_held_to_what_is_wanted<R: TokenRig>(rig: &R) {
    let verifier = rig.strict_verifier("chat", "https://id.example");
    let good = json!({"aud": ["web", "chat"], "iss": "https://id.example"});
    verify(&*verifier, &sign(rig, &good)).await.expect("a good token");
    for (changes, refusal) in [
        (json!({"aud": "chat"}), Refusal::WrongIssuer),
        (json!({"aud": "chat", "iss": "https://id.example.evil"}), Refusal::WrongIssuer),
        (json!({"iss": "https://id.example"}), Refusal::WrongAudience),
        (json!({"aud": ["web"], "iss": "https://id.example"}), Refusal::WrongAudience),
    ] {
        assert_eq!(verify(&*verifier, &sign(rig, &changes)).await, Err(refusal.into()), "{changes}");
    }
}

/// No caller is ever taken for another.
pub async fn many_at_once_get_what_their_tokens_say<R: TokenRig>(rig: &R) {
    let verifier = rig.verifier();
    let tokens: Vec<_> = (0..20).map(|n| sign(rig, &json!({"sub": format!("user-{n}")}))).collect();
    let tasks = (0..40).map(|task| {
        let (verifier, tokens) = (verifier.clone(), tokens.clone());
        async move {
            for turn in 0..40 {
                let number = (task + turn) % tokens.len();
                let token = &tokens[number];
                let identity = match verifier.recall(token) {
                    Some(identity) => identity,
                    None => verifier.verify(token).await.expect("a good token"),
                };
                assert_eq!(identity.caller.id().as_str(), format!("user-{number}"));
            }
        }
    });
    together(|task| rig.spawn(task), tasks).await;
}
