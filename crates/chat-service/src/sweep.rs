//! Forgetting what nobody needs any more: idempotency keys that will not be used again, and the oldest of the audit.

use std::sync::Arc;
use std::time::Duration;

use chat_domain::audit::AuditRepository;
use chat_domain::clock::Clock;
use chat_domain::error::{RepositoryError, chain};
use chat_domain::idempotency::IdempotencyRepository;
use tokio::time::MissedTickBehavior;

/// Clients are promised 24 hours; the double leaves room for clocks that differ.
const KEEP_KEYS_SECONDS: i64 = 48 * 3_600;
const EVERY: Duration = Duration::from_hours(1);

/// What is swept, and how long it is kept.
#[derive(Clone)]
pub(crate) struct Sweep {
    /// The keys.
    pub(crate) keys: Arc<dyn IdempotencyRepository>,
    /// The audit.
    pub(crate) audit: Arc<dyn AuditRepository>,
    /// How long an entry of the audit is kept.
    pub(crate) keep_audit: Duration,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Sweep {
    /// Forgets what is old now and then, for as long as the task lives. Several nodes may do so at once.
    pub(crate) async fn go_on(self) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let keep_audit = i64::try_from(self.keep_audit.as_secs()).unwrap_or(i64::MAX);
        loop {
            ticks.tick().await;
            let now = self.clock.now();
            tell("idempotency keys", self.keys.forget_before(now.plus_seconds(-KEEP_KEYS_SECONDS)).await);
            tell("audit entries", self.audit.forget_before(now.plus_seconds(-keep_audit)).await);
        }
    }
}

fn tell(what: &'static str, forgotten: Result<u64, RepositoryError>) {
    match forgotten {
        Ok(0) => {}
        Ok(forgotten) => tracing::info!(what, forgotten, "old things forgotten"),
        Err(error) => tracing::warn!(what, causes = chain(&error), "old things not forgotten"),
    }
}
