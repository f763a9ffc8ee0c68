//! Forgetting what nobody needs any more: idempotency keys that will not be used again, the oldest of the audit, and files
//! that were never sent.

use std::sync::Arc;
use std::time::Duration;

use chat_domain::attachment::{AttachmentSweep, Swept};
use chat_domain::audit::AuditRepository;
use chat_domain::clock::Clock;
use chat_domain::error::{RepositoryError, chain};
use chat_domain::idempotency::IdempotencyRepository;
use tokio::time::MissedTickBehavior;

/// Clients are promised 24 hours; the double leaves room for clocks that differ.
const KEEP_KEYS_SECONDS: i64 = 48 * 3_600;
const EVERY: Duration = Duration::from_hours(1);
/// All files are gone through once in so many sweeps: there may be many, and hardly ever is one among them without a row.
const STRAYS_EVERY: u64 = 24;

/// What is swept, and how long it is kept.
#[derive(Clone)]
pub(crate) struct Sweep {
    /// The keys.
    pub(crate) keys: Arc<dyn IdempotencyRepository>,
    /// The attachments.
    pub(crate) attachments: AttachmentSweep,
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
        for sweeps in 0_u64.. {
            ticks.tick().await;
            let now = self.clock.now();
            tell("idempotency keys", self.keys.forget_before(now.plus_seconds(-KEEP_KEYS_SECONDS)).await);
            tell("audit entries", self.audit.forget_before(now.plus_seconds(-keep_audit)).await);
            tell_files(self.attachments.sweep(now).await);
            if sweeps % STRAYS_EVERY == 0 {
                tell_files(self.attachments.sweep_strays(now).await);
            }
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

fn tell_files(swept: Result<Swept, RepositoryError>) {
    match swept {
        Ok(Swept { attachments: 0, unfinished: 0, strays: 0 }) => {}
        Ok(Swept { attachments, unfinished, strays }) => {
            tracing::info!(attachments, unfinished, strays, "files removed");
        }
        Err(error) => tracing::warn!(causes = chain(&error), "files not removed"),
    }
}
