//! The contract suites on the fakes: what the fakes promise is what the adapters promise.
#![cfg(test)]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::access::{TokenRules, TokenVerifier};
use chat_domain::attachment::AttachmentFiles;
use chat_domain::cache::Cache;
use chat_domain::clock::Clock as _;
use chat_domain::event::{EventPublisher, EventSubscriber};
use chat_domain::id::{MessageId, TenantId};
use chat_domain::limit::{Limits, Quota, RateLimiter};
use chat_domain::testing::contract::history;
use chat_domain::testing::fake::{FakeBus, FakeCache, FakeClock, FakeFiles, FakeRateLimiter, FakeStore, FakeTokens};
use chat_domain::testing::rig::{CacheRig, EventRig, FilesRig, LimiterRig, Store, StoreRig, Task, TokenRig};
use chat_domain::timestamp::Timestamp;
use chat_domain::{
    attachment_files_contract, cache_contract, event_contract, rate_limiter_contract, store_contract,
    token_verifier_contract,
};

store_contract!(fake_store, FakeStoreRig);
cache_contract!(fake_cache, FakeCacheRig);
attachment_files_contract!(fake_files, FakeFilesRig);
event_contract!(fake_bus, FakeBusRig);
token_verifier_contract!(fake_tokens, FakeTokenRig);
rate_limiter_contract!(fake_limiter, FakeLimiterRig);

/// The adapters try few histories; here they cost nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_histories_hold() {
    let rig = FakeStoreRig::start().await;
    history::in_sequence(&rig, 300).await;
    history::at_once(&rig, 100).await;
}

/// A promise that its macro does not name would never be tried.
#[test]
fn every_promise_is_named_in_its_macro() {
    let mut suites = 0;
    for (suite, named_in) in files() {
        let (text, named_in) = (fs::read_to_string(&suite).unwrap(), fs::read_to_string(&named_in).unwrap());
        let promises: Vec<_> = text.lines().filter_map(promise).collect();
        if promises.is_empty() {
            continue;
        }
        suites += 1;
        let list = named_in.split_once("macro_rules!").and_then(|(_, rest)| rest.split_once("\n}\n"));
        let words = list.expect("a macro").0.split(|char: char| !char.is_alphanumeric() && char != '_');
        let named: HashSet<_> = words.collect();
        for promise in promises {
            assert!(named.contains(promise), "{}: {promise} is tried by nobody", suite.display());
        }
    }
    assert!(suites > 20, "{suites} suites were found");
}

/// Each file of the contract, and the one that has its macro: itself, or the first of its folder.
fn files() -> Vec<(PathBuf, PathBuf)> {
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/contract");
    let entries = |directory: &Path| fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files = Vec::new();
    for path in entries(&contract) {
        if path.is_dir() {
            files.extend(entries(&path).map(|file| (file, path.join("mod.rs"))));
        } else {
            files.push((path.clone(), path));
        }
    }
    files
}

/// The name of a function that takes a rig and nothing else.
fn promise(line: &str) -> Option<&str> {
    let (name, parameters) = line.strip_prefix("pub async fn ")?.split_once('<')?;
    (!parameters.contains("&R,")).then_some(name)
}

struct FakeStoreRig(FakeStore);

#[async_trait]
impl StoreRig for FakeStoreRig {
    async fn start() -> Self {
        Self(FakeStore::new())
    }

    async fn node(&self) -> Store {
        self.0.store()
    }

    fn spawn(&self, task: Task) -> Task {
        spawn(task)
    }

    async fn damage_message(&self, tenant: &TenantId, id: MessageId) -> bool {
        self.0.damage_message(tenant, id);
        true
    }
}

struct FakeFilesRig(FakeFiles);

#[async_trait]
impl FilesRig for FakeFilesRig {
    async fn start() -> Self {
        Self(FakeFiles::default())
    }

    async fn node(&self) -> Arc<dyn AttachmentFiles> {
        Arc::new(self.0.clone())
    }

    fn spawn(&self, task: Task) -> Task {
        spawn(task)
    }
}

struct FakeCacheRig(FakeCache);

#[async_trait]
impl CacheRig for FakeCacheRig {
    async fn start() -> Self {
        Self(FakeCache::new())
    }

    async fn node(&self) -> Arc<dyn Cache> {
        Arc::new(self.0.clone())
    }

    fn spawn(&self, task: Task) -> Task {
        spawn(task)
    }
}

struct FakeBusRig(FakeBus);

#[async_trait]
impl EventRig for FakeBusRig {
    async fn start() -> Self {
        Self(FakeBus::new())
    }

    async fn node(&self) -> (Arc<dyn EventPublisher>, Arc<dyn EventSubscriber>) {
        (Arc::new(self.0.clone()), Arc::new(self.0.clone()))
    }

    fn spawn(&self, task: Task) -> Task {
        spawn(task)
    }

    async fn within<T: Send>(&self, wait: impl Future<Output = T> + Send) -> Option<T> {
        tokio::time::timeout(Duration::from_secs(10), wait).await.ok()
    }
}

struct FakeTokenRig {
    clock: FakeClock,
    tokens: FakeTokens,
}

#[async_trait]
impl TokenRig for FakeTokenRig {
    async fn start() -> Self {
        let clock = FakeClock::new();
        Self { tokens: FakeTokens::new(clock.clone()), clock }
    }

    fn clock(&self) -> &FakeClock {
        &self.clock
    }

    fn verifier(&self) -> Arc<dyn TokenVerifier> {
        Arc::new(self.tokens.clone())
    }

    fn strict_verifier(&self, audience: &str, issuer: &str) -> Arc<dyn TokenVerifier> {
        Arc::new(self.tokens.under(TokenRules::new(vec![audience.to_owned()], vec![issuer.to_owned()])))
    }

    fn sign(&self, claims: &str) -> String {
        self.tokens.sign(claims)
    }

    fn spawn(&self, task: Task) -> Task {
        spawn(task)
    }
}

#[derive(Default)]
struct FakeLimiterRig {
    clock: FakeClock,
    limiter: OnceLock<FakeRateLimiter>,
}

#[async_trait]
impl LimiterRig for FakeLimiterRig {
    async fn start() -> Self {
        Self::default()
    }

    async fn node(&self, limits: Limits) -> Arc<dyn RateLimiter> {
        let limiter = self.limiter.get_or_init(|| FakeRateLimiter::new(limits, self.clock.clone()));
        Arc::new(limiter.clone())
    }

    fn now(&self) -> Duration {
        Duration::from_micros(self.clock.now().as_micros().unsigned_abs())
    }

    /// To the next microsecond, which is all that the clock tells.
    async fn pass(&self, time: Duration) {
        let micros = i64::try_from(time.as_nanos().div_ceil(1_000)).expect("a short pause");
        self.clock.set(Timestamp::from_micros(self.clock.now().as_micros() + micros).expect("a moment"));
    }

    fn overshoot(&self, _: Quota) -> u32 {
        0
    }

    fn spawn(&self, task: Task) -> Task {
        spawn(task)
    }
}

fn spawn(task: Task) -> Task {
    let running = tokio::spawn(task);
    Box::pin(async { running.await.expect("the task panicked") })
}
