//! Tokens: the contract, with each kind of key and each way to have it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::access::{TokenRules, TokenVerifier};
use chat_domain::testing::fake::FakeClock;
use chat_domain::testing::rig::{Task, TokenRig};
use chat_domain::token_verifier_contract;
use chat_infra::token::{JwtConfig, JwtVerifier, KeySource};
use tempfile::TempDir;

use crate::token_signer::{Signer, set};
use crate::token_stub::Stub;

/// The secret of all tests.
pub(crate) const SECRET: &str = "8f14e45fceea167a5a36dedd4bea2543";

/// One signer, and verifiers that have its key.
struct Rig<const KIND: usize> {
    clock: FakeClock,
    signer: Signer,
    source: Option<KeySource>,
    verifier: Arc<JwtVerifier>,
    _kept: Kept,
}

/// What must live as long as the rig does.
enum Kept {
    Nothing,
    File(#[expect(dead_code, reason = "goes when it is dropped")] TempDir),
    Stub(#[expect(dead_code, reason = "ends when it is dropped")] Stub),
}

const HS256: usize = 0;
const RS256_IN_FILE: usize = 1;
const ES256_IN_FILE: usize = 2;
const EDDSA_AT_URL: usize = 3;

token_verifier_contract!(hs256, Rig<HS256>);
token_verifier_contract!(rs256_in_file, Rig<RS256_IN_FILE>);
token_verifier_contract!(es256_in_file, Rig<ES256_IN_FILE>);
token_verifier_contract!(eddsa_at_url, Rig<EDDSA_AT_URL>);

/// A file with a set of keys.
pub(crate) fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    std::fs::write(&path, text).unwrap();
    (directory, path)
}

/// Where the keys of this signer are to be had.
async fn publish(signer: &Signer, kind: usize) -> (Option<KeySource>, Kept) {
    match kind {
        HS256 => (None, Kept::Nothing),
        EDDSA_AT_URL => {
            let stub = Stub::start(&set(&[signer])).await;
            (Some(KeySource::Url(stub.url())), Kept::Stub(stub))
        }
        _ => {
            let (directory, path) = file(&set(&[signer]));
            (Some(KeySource::File(path)), Kept::File(directory))
        }
    }
}

fn start(source: Option<&KeySource>, rules: TokenRules, clock: &FakeClock) -> Arc<JwtVerifier> {
    let secrets = if source.is_none() { vec![SECRET.into()] } else { Vec::new() };
    let config = JwtConfig { secrets, keys: source.cloned(), ..JwtConfig::new(rules) };
    Arc::new(JwtVerifier::start(&config, Arc::new(clock.clone())).unwrap())
}

#[async_trait]
impl<const KIND: usize> TokenRig for Rig<KIND> {
    async fn start() -> Self {
        let signer = match KIND {
            HS256 => Signer::hs256(SECRET),
            RS256_IN_FILE => Signer::rs256("one"),
            ES256_IN_FILE => Signer::es256("one"),
            _ => Signer::eddsa("one"),
        };
        let clock = FakeClock::new();
        let (source, kept) = publish(&signer, KIND).await;
        let verifier = start(source.as_ref(), TokenRules::default(), &clock);
        Self { clock, signer, source, verifier, _kept: kept }
    }

    fn clock(&self) -> &FakeClock {
        &self.clock
    }

    fn verifier(&self) -> Arc<dyn TokenVerifier> {
        Arc::<JwtVerifier>::clone(&self.verifier)
    }

    fn strict_verifier(&self, audience: &str, issuer: &str) -> Arc<dyn TokenVerifier> {
        let rules = TokenRules::new(vec![audience.to_owned()], vec![issuer.to_owned()]);
        start(self.source.as_ref(), rules, &self.clock)
    }

    fn sign(&self, claims: &str) -> String {
        self.signer.sign(claims)
    }

    fn spawn(&self, task: Task) -> Task {
        let running = tokio::spawn(task);
        Box::pin(async { running.await.expect("the task panicked") })
    }
}
