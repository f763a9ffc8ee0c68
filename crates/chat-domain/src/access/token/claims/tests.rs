//! The table of claims, good and bad.

use serde_json::{Value, json};

use super::*;

/// 2026-01-01T00:00:00Z, in seconds.
const NOW: i64 = 1_767_225_600;

fn now() -> Timestamp {
    Timestamp::from_micros(NOW * 1_000_000).unwrap()
}

fn good() -> Value {
    json!({"sub": "ann", "tenant_id": "acme", "role": "user", "exp": NOW + 60})
}

/// The good claims with others in their place; `null` leaves one out.
fn with(changes: &Value) -> Value {
    let mut claims = good();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn judge(claims: &Value) -> Result<Identity, Refusal> {
    TokenRules::default().identify(claims.to_string().as_bytes(), now())
}

#[track_caller]
fn named(claims: &Value) -> (String, String, Role) {
    let caller = judge(claims).unwrap().caller;
    (caller.tenant().to_string(), caller.id().to_string(), caller.role())
}

#[test]
fn each_way_to_name_a_caller_is_understood() {
    let ann = ("acme".to_owned(), "ann".to_owned(), Role::User);
    assert_eq!(named(&good()), ann);
    assert_eq!(named(&json!({"user_id": "ann", "tenantId": "acme", "role": "user", "exp": NOW + 1})), ann);
    let of_gateway = json!({"id": "ann", "tenantId": "acme", "role": "user", "permissions": ["x"], "exp": NOW + 1});
    assert_eq!(named(&of_gateway), ann);
    assert_eq!(named(&with(&json!({"user_id": "ann", "id": "ann", "tenantId": "acme"}))), ann);
    assert_eq!(named(&with(&json!({"sub": 42, "id": "42"}))).1, "42");
    for role in Role::ALL {
        assert_eq!(named(&with(&json!({"role": role.as_str()}))).2, role);
    }
}

#[test]
fn a_token_that_names_nobody_is_refused_with_its_reason() {
    use Refusal::{
        ContradictingClaims, InvalidSubject, InvalidTenant, MissingRole, MissingSubject, MissingTenant, UnknownRole,
    };

    for (changes, refusal) in [
        (json!({"sub": null}), MissingSubject),
        (json!({"sub": ""}), InvalidSubject),
        (json!({"sub": "x".repeat(256)}), InvalidSubject),
        (json!({"sub": "a\u{0}b"}), InvalidSubject),
        (json!({"sub": ["ann"]}), InvalidSubject),
        (json!({"sub": true}), InvalidSubject),
        (json!({"sub": 1.5}), InvalidSubject),
        (json!({"sub": -1}), InvalidSubject),
        (json!({"user_id": "eve"}), ContradictingClaims),
        (json!({"id": "eve"}), ContradictingClaims),
        (json!({"sub": null, "user_id": "ann", "id": "eve"}), ContradictingClaims),
        (json!({"tenantId": "other"}), ContradictingClaims),
        (json!({"tenant_id": null}), MissingTenant),
        (json!({"tenant_id": ""}), InvalidTenant),
        (json!({"tenant_id": "a b"}), InvalidTenant),
        (json!({"tenant_id": "x".repeat(65)}), InvalidTenant),
        (json!({"tenant_id": {}}), InvalidTenant),
        (json!({"role": null}), MissingRole),
        (json!({"role": "root"}), UnknownRole),
        (json!({"role": "ADMIN"}), UnknownRole),
        (json!({"role": ["admin"]}), UnknownRole),
        (json!({"role": 1}), UnknownRole),
    ] {
        assert_eq!(judge(&with(&changes)), Err(refusal), "{changes}");
    }
}

#[test]
fn a_token_lives_until_its_last_moment_and_not_a_microsecond_longer() {
    assert_eq!(judge(&with(&json!({"exp": NOW}))), Err(Refusal::TokenExpired));
    assert_eq!(judge(&with(&json!({"exp": 0}))), Err(Refusal::TokenExpired));
    let identity = judge(&with(&json!({"exp": NOW + 1}))).unwrap();
    assert!(identity.is_alive(now()));
    assert!(identity.is_alive(Timestamp::from_micros((NOW + 1) * 1_000_000 - 1).unwrap()));
    assert!(!identity.is_alive(now().plus_seconds(1)));
    let fraction = judge(&with(&json!({"exp": 1_767_225_600.5}))).unwrap();
    assert_eq!(fraction.expires_at.as_micros(), 1_767_225_600_500_000);
    assert_eq!(
        judge(&with(&json!({"exp": 253_402_300_799_i64}))).unwrap().expires_at.to_string().get(..4),
        Some("9999")
    );
}

#[test]
fn a_time_that_is_no_moment_is_refused() {
    assert_eq!(judge(&with(&json!({"exp": null}))), Err(Refusal::MissingExpiry));
    for bad in [
        "\"1767225660\"",
        "\"never\"",
        "1e300",
        "-1e300",
        "1e999",
        "-1",
        "true",
        "[]",
        "{}",
        "253402300800",
        "1767225660000",
        "9223372036854775807",
        "99999999999999999999999999",
    ] {
        let text = format!(r#"{{"sub":"ann","tenant_id":"acme","role":"user","exp":{bad}}}"#);
        let judged = TokenRules::default().identify(text.as_bytes(), now());
        assert_eq!(judged, Err(Refusal::InvalidExpiry), "{bad}");
        let text = format!(r#"{{"sub":"ann","tenant_id":"acme","role":"user","exp":1767225660,"nbf":{bad}}}"#);
        let judged = TokenRules::default().identify(text.as_bytes(), now());
        assert_eq!(judged, Err(Refusal::InvalidNotBefore), "{bad}");
    }
}

#[test]
fn a_token_from_the_future_has_to_wait() {
    assert_eq!(judge(&with(&json!({"nbf": NOW + 1}))), Err(Refusal::TokenNotYetValid));
    assert!(judge(&with(&json!({"nbf": NOW}))).is_ok());
}

#[test]
fn audience_and_issuer_are_asked_for_where_they_are_set() {
    let rules = TokenRules::new(vec!["chat".to_owned(), "chorus".to_owned()], vec!["https://id.example".to_owned()]);
    let judge = |changes: &Value| rules.identify(with(changes).to_string().as_bytes(), now()).map(|_| ());
    let iss = "https://id.example";
    for aud in [json!("chat"), json!(["x", "chorus"])] {
        assert_eq!(judge(&json!({"iss": iss, "aud": aud})), Ok(()));
    }
    for aud in [json!(null), json!("Chat"), json!([]), json!(["x"]), json!({}), json!(1), json!([["chat"]])] {
        assert_eq!(judge(&json!({"iss": iss, "aud": aud})), Err(Refusal::WrongAudience), "{aud}");
    }
    for iss in [json!(null), json!("https://id.example/"), json!([iss]), json!(1)] {
        assert_eq!(judge(&json!({"iss": iss, "aud": "chat"})), Err(Refusal::WrongIssuer), "{iss}");
    }
    assert!(super::tests::judge(&with(&json!({"iss": 1, "aud": {}}))).is_ok(), "nobody asks for them");
}

#[test]
fn what_is_no_object_of_claims_is_malformed() {
    for bad in ["", "null", "[]", "1", "\"x\"", "{", "{}x", "\u{feff}{}"] {
        assert_eq!(TokenRules::default().identify(bad.as_bytes(), now()), Err(Refusal::MalformedToken), "{bad}");
    }
    assert_eq!(TokenRules::default().identify(b"{\"sub\":\"\xff\"}", now()), Err(Refusal::MalformedToken));
    assert_eq!(judge(&json!({})), Err(Refusal::MissingExpiry));
}

#[test]
fn a_claim_that_is_said_twice_is_malformed() {
    for twice in [
        r#"{"sub":"ann","sub":"eve","tenant_id":"acme","role":"user","exp":1767225660}"#,
        r#"{"sub":"ann","tenant_id":"acme","role":"user","exp":1,"exp":1767225660}"#,
        r#"{"sub":"ann","tenant_id":"acme","role":"user","role":"admin","exp":1767225660}"#,
    ] {
        assert_eq!(TokenRules::default().identify(twice.as_bytes(), now()), Err(Refusal::MalformedToken), "{twice}");
    }
}
