//! Asking what the service leans on, and telling what came of it.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chat_domain::clock::Clock;
use chat_domain::error::{RepositoryError, chain};
use chat_domain::health::{ClockSkew, Probe, Pulse};
use chat_domain::timestamp::Timestamp;
use serde::Serialize;
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;

use crate::drain::Drain;

/// The gauge of how far this node's clock is ahead of the database's, in seconds.
pub(crate) const CLOCK_SKEW_METRIC: &str = "chat_clock_skew_seconds";

/// The gauge of whether this node may take traffic.
pub(crate) const READY_METRIC: &str = "chat_ready";

/// What the service leans on.
pub struct Health {
    database: Arc<dyn Probe>,
    cache: Arc<dyn Probe>,
    /// Where callers are known by tokens.
    token_keys: Option<Arc<dyn Probe>>,
    clock: Arc<dyn Clock>,
    /// Whether this node could serve when that was asked last; not before it was asked.
    serves: AtomicBool,
}

/// One part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthCheck)]
pub(super) struct Check {
    /// `up` or `down`.
    #[schema(pattern = "^(up|down)$", example = "up")]
    status: &'static str,
    /// How long it took to answer, in milliseconds.
    #[schema(minimum = 0.0)]
    latency_ms: f64,
    /// Why it is down, for the log alone.
    #[serde(skip)]
    causes: Option<String>,
}

/// This node's clock, held against the database's.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClockCheck {
    /// `up`, or `down` where the skew is beyond the limit: the node then takes no traffic.
    #[schema(pattern = "^(up|down)$", example = "up")]
    status: &'static str,
    /// How far this node's clock is ahead of the database's, in seconds; negative where it is behind.
    #[schema(example = 0.0)]
    skew_seconds: f64,
    /// The largest skew with which a node serves, either way.
    #[schema(example = 30)]
    limit_seconds: u32,
}

/// What a node cannot serve without: the store, the clock that it shares with all nodes, where it has one, and a key for
/// tokens, where callers are known by these.
#[derive(Debug)]
pub(super) struct Needed {
    pub(super) database: Check,
    pub(super) clock: Option<ClockCheck>,
    pub(super) token_keys: Option<Check>,
}

impl Health {
    /// The longest that one probe is waited for; all run side by side, so that the answer is there within 2 s.
    pub const PATIENCE: Duration = Duration::from_millis(1_500);

    /// Takes a probe of the store and one of the cache.
    #[must_use]
    pub fn new(database: Arc<dyn Probe>, cache: Arc<dyn Probe>, clock: Arc<dyn Clock>) -> Self {
        Self { database, cache, token_keys: None, clock, serves: AtomicBool::new(false) }
    }

    /// The same with a probe of the keys of tokens, without which a node serves nobody.
    #[must_use]
    pub fn with_token_keys(self, token_keys: Arc<dyn Probe>) -> Self {
        Self { token_keys: Some(token_keys), ..self }
    }

    /// Asks whether this node can serve, so that the figures of that and of its clock are of now. To be called now and then.
    pub async fn look(&self) {
        if let Some(causes) = self.needed().await.causes() {
            tracing::warn!(causes, "this node cannot serve");
        }
    }

    /// Sets the gauge of readiness to what `/health/ready` said last, or would have said when [`look`](Self::look) was
    /// called last. Asks nothing, so that figures can be had while a store hangs, and cost it nothing.
    pub fn show_readiness(&self, drain: &Drain) {
        let ready = self.serves.load(Ordering::Relaxed) && !drain.is_begun();
        metrics::gauge!(READY_METRIC).set(f64::from(u8::from(ready)));
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) async fn needed(&self) -> Needed {
        let ((database, clock), token_keys) = tokio::join!(self.stored(), self.token_keys());
        let needed = Needed { database, clock, token_keys };
        self.serves.store(needed.causes().is_none(), Ordering::Relaxed);
        needed
    }

    async fn stored(&self) -> (Check, Option<ClockCheck>) {
        let asked = self.clock.now();
        let (database, pulse) = check(&*self.database).await;
        let clock = pulse.clock.map(|theirs| ClockCheck::of(ClockSkew::between(asked, theirs, self.clock.now())));
        (database, clock)
    }

    async fn token_keys(&self) -> Option<Check> {
        Some(check(&**self.token_keys.as_ref()?).await.0)
    }

    pub(super) async fn cache(&self) -> Check {
        check(&*self.cache).await.0
    }
}

impl Check {
    pub(super) fn is_up(&self) -> bool {
        self.status == "up"
    }

    /// Why it is down.
    pub(super) fn causes(&self) -> Option<&str> {
        self.causes.as_deref()
    }
}

impl ClockCheck {
    fn of(skew: ClockSkew) -> Self {
        let (skew_seconds, limit_seconds) = (skew.as_seconds(), ClockSkew::LIMIT_SECONDS);
        metrics::gauge!(CLOCK_SKEW_METRIC).set(skew_seconds);
        Self { status: if skew.is_tolerable() { "up" } else { "down" }, skew_seconds, limit_seconds }
    }

    fn is_up(&self) -> bool {
        self.status == "up"
    }
}

impl Needed {
    /// Why the node may not serve, for the log; `None` where it may.
    pub(super) fn causes(&self) -> Option<String> {
        let database = self.database.causes().map(|causes| format!("database: {causes}"));
        let token_keys = self.token_keys.as_ref().and_then(Check::causes).map(|causes| format!("token keys: {causes}"));
        let clock = self.clock.as_ref().filter(|clock| !clock.is_up());
        let clock = clock.map(|ClockCheck { skew_seconds, limit_seconds, .. }| {
            format!("clock: {skew_seconds} s ahead of the database's, {limit_seconds} s are allowed either way")
        });
        let causes: Vec<_> = [database, clock, token_keys].into_iter().flatten().collect();
        (!causes.is_empty()).then(|| causes.join("; "))
    }
}

async fn check(probe: &dyn Probe) -> (Check, Pulse) {
    let begun = Instant::now();
    let answer =
        timeout(Health::PATIENCE, probe.check()).await.unwrap_or_else(|_| Err(RepositoryError::unavailable(Silent)));
    let micros = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
    let latency_ms = f64::from(micros) / 1_000.0;
    match answer {
        Ok(pulse) => (Check { status: "up", latency_ms, causes: None }, pulse),
        Err(error) => (Check { status: "down", latency_ms, causes: Some(causes(&error)) }, Pulse::default()),
    }
}

/// What lies behind the error: itself it says that a store is away, and what was asked need not be one.
fn causes(error: &RepositoryError) -> String {
    error.source().map_or_else(|| chain(error), chain)
}

/// A probe did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer in time")]
struct Silent;
