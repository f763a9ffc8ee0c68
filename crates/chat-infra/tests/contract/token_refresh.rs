//! Keys that come, go, or cannot be had.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chat_domain::access::{Identity, Refusal, TokenError, TokenRules, TokenVerifier as _};
use chat_domain::error::{RepositoryError, chain};
use chat_domain::health::Pulse;
use chat_domain::testing::fake::FakeClock;
use chat_infra::token::{JwtConfig, JwtVerifier, KeySource};
use serde_json::json;

use crate::token::file;
use crate::token_keys::claims;
use crate::token_signer::{Signer, set};
use crate::token_stub::{Manner, Stub};

const NEVER: Duration = Duration::from_hours(1);
const SOON: Duration = Duration::from_millis(10);

fn verifier(source: KeySource, every: Duration, pause: Duration) -> Arc<JwtVerifier> {
    let rules = TokenRules::default();
    let config = JwtConfig { keys: Some(source), refresh_every: every, refresh_pause: pause, ..JwtConfig::new(rules) };
    Arc::new(JwtVerifier::start(&config, Arc::new(FakeClock::new())).unwrap())
}

fn at(stub: &Stub, every: Duration, pause: Duration) -> Arc<JwtVerifier> {
    verifier(KeySource::Url(stub.url()), every, pause)
}

/// What the probe says, whose method has the name of another one.
async fn has_keys(verifier: &JwtVerifier) -> Result<Pulse, RepositoryError> {
    chat_domain::health::Probe::check(verifier).await
}

/// Tries until the outcome is as wanted.
async fn until(verifier: &JwtVerifier, token: &str, wanted: impl Fn(&Result<Identity, TokenError>) -> bool) {
    let tried = async {
        while !wanted(&verifier.verify(token).await) {
            tokio::time::sleep(SOON).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), tried).await.expect("the keys must change");
}

fn unknown() -> Result<Identity, TokenError> {
    Err(Refusal::UnknownKey.into())
}

/// All ways in which a set cannot be had that take no time.
fn bad_manners(good: &str) -> Vec<Manner> {
    let of_no_use = json!({"keys": [{"kty": "oct", "k": "AAAA"}, {"kty": "RSA"}]}).to_string();
    let texts = ["", "<html>", "{\"keys\":1}", "null", "[]", "{\"keys\":[]}", &of_no_use];
    let mut manners: Vec<_> = texts.iter().map(|text| Manner::Set((*text).to_owned())).collect();
    let statuses = [201, 204, 301, 302, 304, 307, 401, 404, 500, 503];
    manners.extend(statuses.iter().map(|status| Manner::Status(*status, good.to_owned())));
    manners.extend([Manner::Huge, Manner::HangUp]);
    manners
}

#[tokio::test]
async fn a_key_that_appears_is_found_when_a_token_names_it() {
    let (one, two) = (Signer::es256("one"), Signer::eddsa("two"));
    let stub = Stub::start(&set(&[&one])).await;
    let verifier = at(&stub, NEVER, SOON);
    verifier.verify(&one.sign(&claims())).await.unwrap();
    stub.turn(Manner::Set(set(&[&one, &two])));
    until(&verifier, &two.sign(&claims()), Result::is_ok).await;
    verifier.verify(&one.sign(&claims())).await.unwrap();
}

#[tokio::test]
async fn a_key_that_appears_is_found_though_no_new_name_tells_of_it() {
    let old = Signer::es256("one");
    let (same_kind, another_kind) = (Signer::es256("one"), Signer::eddsa("one"));
    for (next, name) in [(&same_kind, None), (&same_kind, Some("one")), (&another_kind, Some("one"))] {
        let (old, next) = (old.named(name), next.named(name));
        let stub = Stub::start(&set(&[&old])).await;
        let verifier = at(&stub, NEVER, SOON);
        verifier.verify(&old.sign(&claims())).await.unwrap();
        stub.turn(Manner::Set(set(&[&next])));
        until(&verifier, &next.sign(&claims()), Result::is_ok).await;
        assert!(verifier.verify(&old.sign(&claims())).await.is_err(), "{name:?}");
    }
}

#[tokio::test]
async fn a_key_that_disappears_is_taken_no_longer_even_where_a_token_is_known() {
    let (one, two) = (Signer::es256("one"), Signer::es256("two"));
    let stub = Stub::start(&set(&[&one, &two])).await;
    let verifier = at(&stub, SOON, SOON);
    let (gone, kept) = (one.sign(&claims()), two.sign(&claims()));
    verifier.verify(&gone).await.unwrap();
    verifier.verify(&kept).await.unwrap();
    stub.turn(Manner::Set(set(&[&two])));
    until(&verifier, &gone, |outcome| *outcome == unknown()).await;
    assert_eq!(verifier.recall(&gone), None);
    verifier.verify(&kept).await.unwrap();
}

#[tokio::test]
async fn a_set_that_cannot_be_had_leaves_the_last_one_in_force() {
    let one = Signer::es256("one");
    let good = set(&[&one]);
    let stub = Stub::start(&good).await;
    let verifier = at(&stub, SOON, SOON);
    let token = one.sign(&claims());
    verifier.verify(&token).await.unwrap();
    for manner in bad_manners(&good) {
        stub.turn(manner.clone());
        // The second time that it is asked, what it said the first time was looked at.
        stub.asked_again(2).await;
        assert!(verifier.verify(&token).await.is_ok(), "{manner:?}");
    }
}

#[tokio::test]
async fn a_set_that_hangs_keeps_only_those_waiting_who_need_it() {
    let (one, foreign) = (Signer::es256("one"), Signer::es256("foreign"));
    let stub = Stub::start(&set(&[&one])).await;
    let verifier = at(&stub, NEVER, SOON);
    let token = one.sign(&claims());
    verifier.verify(&token).await.unwrap();
    for manner in [Manner::Hang, Manner::Trickle] {
        stub.turn(manner);
        tokio::time::sleep(SOON * 2).await;
        let waiting = Arc::clone(&verifier);
        let foreign = foreign.sign(&claims());
        let waiting = tokio::spawn(async move { waiting.verify(&foreign).await });
        stub.asked_again(1).await;
        assert!(!waiting.is_finished());
        verifier.verify(&one.sign(&claims())).await.unwrap();
        assert_eq!(waiting.await.unwrap(), unknown());
    }
}

#[tokio::test]
async fn who_may_not_wait_is_answered_at_once_and_a_later_try_finds_the_key() {
    let (one, two) = (Signer::es256("one"), Signer::es256("two"));
    let stub = Stub::start("").await;
    stub.turn(Manner::Hang);
    let verifier = at(&stub, NEVER, SOON);
    let token = one.sign(&claims());
    assert_eq!(verifier.check(&token), Err(TokenError::KeysUnavailable), "nobody says that it is bad");
    stub.turn(Manner::Set(set(&[&one])));
    until(&verifier, &token, Result::is_ok).await;
    stub.turn(Manner::Set(set(&[&one, &two])));
    tokio::time::sleep(SOON * 2).await;
    let (before, later) = (stub.asked(), two.sign(&claims()));
    assert_eq!(verifier.check(&later), unknown());
    let found = async {
        while verifier.check(&later) == unknown() {
            tokio::time::sleep(SOON).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), found).await.expect("the set that was asked for comes");
    verifier.check(&later).unwrap();
    assert!(stub.asked() > before);
}

#[tokio::test]
async fn before_the_first_set_nobody_says_that_a_token_is_bad() {
    let one = Signer::es256("one");
    let good = set(&[&one]);
    for manner in bad_manners(&good) {
        let stub = Stub::start("").await;
        stub.turn(manner.clone());
        let verifier = at(&stub, NEVER, SOON);
        let outcome = verifier.verify(&one.sign(&claims())).await;
        assert_eq!(outcome, Err(TokenError::KeysUnavailable), "{manner:?}");
        assert_eq!(verifier.verify("garbage").await, Err(Refusal::MalformedToken.into()));
        stub.turn(Manner::Set(good.clone()));
        until(&verifier, &one.sign(&claims()), Result::is_ok).await;
    }
}

#[tokio::test]
async fn a_node_has_no_keys_until_a_set_was_had_and_has_them_from_then_on() {
    let one = Signer::es256("one");
    let good = set(&[&one]);
    for manner in bad_manners(&good) {
        let stub = Stub::start("").await;
        stub.turn(manner.clone());
        let verifier = at(&stub, SOON, SOON);
        stub.asked_again(2).await;
        let said = chain(&has_keys(&verifier).await.unwrap_err());
        assert!(said.contains("no key set was had yet: "), "{manner:?}: {said}");
        stub.turn(Manner::Set(good.clone()));
        let had = async {
            while has_keys(&verifier).await.is_err() {
                tokio::time::sleep(SOON).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), had).await.expect("nobody sends a token, and still it comes");
        stub.turn(manner);
        stub.asked_again(2).await;
        has_keys(&verifier).await.unwrap();
    }
}

#[tokio::test]
async fn a_secret_is_a_key_whatever_becomes_of_the_set() {
    let stub = Stub::start("").await;
    let mut config = JwtConfig { keys: Some(KeySource::Url(stub.url())), ..JwtConfig::new(TokenRules::default()) };
    config.secrets.push("8f14e45fceea167a5a36dedd4bea2543".into());
    let verifier = JwtVerifier::start(&config, Arc::new(FakeClock::new())).unwrap();
    has_keys(&verifier).await.unwrap();
}

#[tokio::test]
async fn nobody_at_the_url_is_as_good_as_no_set() {
    let stub = Stub::start("").await;
    let url = stub.url();
    drop(stub);
    let verifier = verifier(KeySource::Url(url), NEVER, SOON);
    let outcome = verifier.verify(&Signer::es256("one").sign(&claims())).await;
    assert_eq!(outcome, Err(TokenError::KeysUnavailable));
}

#[tokio::test]
async fn many_tokens_with_foreign_keys_cause_no_flood_of_questions() {
    let one = Signer::es256("one");
    let stub = Stub::start(&set(&[&one])).await;
    let verifier = at(&stub, NEVER, NEVER);
    verifier.verify(&one.sign(&claims())).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..200 {
        let (verifier, token) = (Arc::clone(&verifier), one.named(Some(&format!("foreign-{number}"))).sign(&claims()));
        tasks.push(tokio::spawn(async move { verifier.verify(&token).await }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap(), unknown());
    }
    assert_eq!(stub.asked(), 1);
}

#[tokio::test]
async fn many_forged_tokens_cause_no_flood_of_questions() {
    let (one, forger) = (Signer::es256("one"), Signer::es256("one"));
    let stub = Stub::start(&set(&[&one])).await;
    let verifier = at(&stub, NEVER, NEVER);
    verifier.verify(&one.sign(&claims())).await.unwrap();
    for name in [Some("one"), None] {
        for _ in 0..50 {
            let outcome = verifier.verify(&forger.named(name).sign(&claims())).await;
            assert_eq!(outcome, Err(Refusal::BadSignature.into()));
        }
    }
    assert_eq!(stub.asked(), 1);
}

#[tokio::test]
async fn all_who_need_a_set_wait_for_the_same_one() {
    let one = Signer::es256("one");
    let stub = Stub::start(&set(&[&one])).await;
    let verifier = at(&stub, NEVER, NEVER);
    let tasks = (0..50).map(|_| {
        let (verifier, token) = (Arc::clone(&verifier), one.sign(&claims()));
        tokio::spawn(async move { verifier.verify(&token).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().expect("the first set has the key");
    }
    assert_eq!(stub.asked(), 1);
}

fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}

#[tokio::test]
async fn a_file_that_changes_is_read_again() {
    let (one, two) = (Signer::es256("one"), Signer::es256("two"));
    let (_directory, path) = file(&set(&[&one]));
    let verifier = verifier(KeySource::File(path.clone()), SOON, SOON);
    let token = one.sign(&claims());
    verifier.verify(&token).await.unwrap();
    for broken in ["", "{\"keys\":", "{\"keys\":[]}", &" ".repeat(300 * 1024)] {
        replace(&path, broken);
        tokio::time::sleep(SOON * 5).await;
        verifier.verify(&token).await.unwrap();
    }
    std::fs::remove_file(&path).unwrap();
    tokio::time::sleep(SOON * 5).await;
    verifier.verify(&token).await.unwrap();
    replace(&path, &set(&[&two]));
    until(&verifier, &two.sign(&claims()), Result::is_ok).await;
    assert_eq!(verifier.verify(&token).await, unknown());
}
