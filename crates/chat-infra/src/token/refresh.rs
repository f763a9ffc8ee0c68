//! When a set of keys is asked for: now and then, and when no key in force makes a token good, but never more often than
//! the plan allows, however many such tokens come. A set that cannot be had, or is of no use, leaves the last one in force.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use chat_domain::error::chain;
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument as _;

use super::error::KeySetError;
use super::fetch::FETCHING;
use super::jwks;
use super::ring::KeyRing;
use super::source::{KeySource, Reader};
use crate::figure::count;
use crate::operation::part;

/// How often a set is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// So long after it was had, though nobody needs it.
    every: Duration,
    /// So long after it could not be had.
    retry: Duration,
    /// No two times within so long.
    pause: Duration,
}

impl Plan {
    /// A file is at hand; whoever is at a URL must not be overrun.
    pub(super) fn of(source: &KeySource, every: Duration, pause: Duration) -> Self {
        let (every, pause) = match source {
            KeySource::File(_) => (every.min(Duration::from_secs(5)), pause.min(Duration::from_secs(1))),
            KeySource::Url(_) => (every, pause),
        };
        Self { every, retry: every.min(Duration::from_secs(15)), pause }
    }
}

/// Keeps a ring fresh, for as long as this lives.
pub(super) struct Refresh(Arc<Inner>);

struct Inner {
    ring: Arc<ArcSwap<KeyRing>>,
    reader: Reader,
    plan: Plan,
    state: Mutex<State>,
    /// Counts the times that a set was asked for and came or did not.
    done: watch::Sender<u64>,
    /// Where the asking is done: not in the worker of whoever happens to need it, who may hang up.
    runtime: Handle,
    figures: Figures,
}

#[derive(Default)]
struct State {
    begun: Option<Instant>,
    under_way: bool,
    /// Whether a set was ever had.
    loaded: bool,
    /// What went wrong last, to be told once.
    failure: Option<String>,
}

const REFRESHES: &str = "chat_token_key_refreshes_total";
const KEYS: &str = "chat_token_keys";

struct Figures {
    changed: Counter,
    unchanged: Counter,
    failed: Counter,
    keys: Gauge,
}

impl Figures {
    fn new() -> Self {
        describe_counter!(REFRESHES, "Questions for the keys of tokens, by what came of them");
        describe_gauge!(KEYS, "Public keys that tokens are checked with");
        let outcome = |outcome: &'static str| counter!(REFRESHES, "outcome" => outcome);
        let (changed, unchanged, failed) = (outcome("changed"), outcome("unchanged"), outcome("failed"));
        Self { changed, unchanged, failed, keys: gauge!(KEYS) }
    }
}

impl Refresh {
    /// Begins; where the ring was not loaded yet, by asking at once. Must be called on the runtime that does the asking.
    pub(super) fn begin(ring: Arc<ArcSwap<KeyRing>>, reader: Reader, plan: Plan, loaded: bool) -> Self {
        let state = Mutex::new(State { loaded, ..State::default() });
        let (done, runtime, figures) = (watch::Sender::new(0), Handle::current(), Figures::new());
        figures.keys.set(count(ring.load().public_keys()));
        let inner = Arc::new(Inner { ring, reader, plan, state, done, runtime, figures });
        let first = if loaded { None } else { inner.ask() };
        tokio::spawn(now_and_then(first, Arc::downgrade(&inner)));
        Self(inner)
    }

    /// Waits for a set that is asked for now, or is on its way; at once where none may be asked for yet.
    pub(super) async fn wait(&self) {
        if let Some(mut done) = self.0.ask() {
            // A little longer than the asking itself can take.
            _ = timeout(FETCHING + Duration::from_millis(500), done.changed()).await;
        }
    }

    /// Sees to it that a set is on its way, where one may be asked for, and waits for nothing.
    pub(super) fn begin_another(&self) {
        drop(self.0.ask());
    }

    /// Whether a set was ever had.
    pub(super) fn is_loaded(&self) -> bool {
        self.0.state().loaded
    }

    /// What went wrong the last time, where it did.
    pub(super) fn failure(&self) -> Option<String> {
        self.0.state().failure.clone()
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that a set is on its way, and says when it has come; `None` where none may be asked for yet.
    fn ask(self: &Arc<Self>) -> Option<watch::Receiver<u64>> {
        let mut state = self.state();
        if !state.under_way {
            if state.begun.is_some_and(|begun| begun.elapsed() < self.plan.pause) {
                return None;
            }
            state.begun = Some(Instant::now());
            state.under_way = true;
            let asking = UnderWay(Arc::clone(self)).refresh();
            // Where a request needs it, it is a part of that request's trace.
            self.runtime.spawn(asking.instrument(part("token_keys.refresh", None)));
        }
        Some(self.done.subscribe())
    }

    fn take(&self, text: &[u8]) -> Result<(), KeySetError> {
        let keys = jwks::parse(text)?;
        let Some(renewed) = self.ring.load().renewed(keys) else {
            self.figures.unchanged.increment(1);
            return Ok(());
        };
        let keys = renewed.public_keys();
        self.ring.store(Arc::new(renewed));
        self.figures.changed.increment(1);
        self.figures.keys.set(count(keys));
        tracing::info!(keys, "the keys of tokens have changed");
        Ok(())
    }

    fn tell(&self, outcome: Result<(), KeySetError>) {
        let mut state = self.state();
        match outcome {
            Ok(()) => {
                state.loaded = true;
                if state.failure.take().is_some() {
                    tracing::info!("the keys of tokens can be had again");
                }
            }
            Err(error) => {
                self.figures.failed.increment(1);
                let causes = chain(&error);
                if state.failure.as_ref() != Some(&causes) {
                    tracing::warn!(causes, loaded = state.loaded, "the keys of tokens cannot be had");
                    state.failure = Some(causes);
                }
            }
        }
    }

    /// How long to wait before the set is asked for unasked.
    fn next(&self) -> Duration {
        let state = self.state();
        if state.loaded && state.failure.is_none() { self.plan.every } else { self.plan.retry }
    }
}

/// A set is on its way for as long as this lives.
struct UnderWay(Arc<Inner>);

impl UnderWay {
    async fn refresh(self) {
        let inner = &*self.0;
        let outcome = inner.reader.read().await.and_then(|text| inner.take(&text));
        inner.tell(outcome);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // Under the lock, so that nobody who asks in between takes this end for that of what it asked for.
        let mut state = self.0.state();
        state.under_way = false;
        self.0.done.send_modify(|count| *count += 1);
    }
}

/// Begins with what comes of the first question, where one is under way.
async fn now_and_then(first: Option<watch::Receiver<u64>>, inner: Weak<Inner>) {
    if let Some(mut done) = first {
        _ = done.changed().await;
    }
    loop {
        let Some(wait) = inner.upgrade().map(|inner| inner.next()) else { return };
        sleep(wait).await;
        let Some(mut done) = inner.upgrade().and_then(|inner| inner.ask()) else { continue };
        _ = done.changed().await;
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use serde_json::json;

    use super::*;

    const SOON: Duration = Duration::from_millis(5);
    const NEVER: Duration = Duration::from_hours(1);

    /// Who asks for the set in this file again only where it could not be had.
    fn asking(path: PathBuf) -> Refresh {
        let ring = Arc::new(ArcSwap::from_pointee(KeyRing::new(Vec::new(), Vec::new(), 1)));
        let plan = Plan { every: NEVER, retry: SOON, pause: SOON };
        Refresh::begin(ring, Reader::File(path), plan, false)
    }

    fn publish(path: &Path) {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        std::fs::write(path, json!({"keys": [key]}).to_string()).unwrap();
    }

    async fn until(wanted: impl Fn() -> bool) {
        let waiting = async {
            while !wanted() {
                sleep(SOON).await;
            }
        };
        timeout(Duration::from_mins(1), waiting).await.expect("it must come to this by itself");
    }

    #[tokio::test]
    async fn a_first_set_that_cannot_be_had_is_asked_for_again_though_no_token_comes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.json");
        let refresh = asking(path.clone());
        until(|| refresh.failure().is_some()).await;
        assert!(!refresh.is_loaded());
        publish(&path);
        until(|| refresh.is_loaded()).await;
        assert_eq!(refresh.failure(), None);
        assert_eq!(refresh.0.ring.load().public_keys(), 1);
    }
}
