//! Forgetting idempotency keys that nobody will use again.

use std::sync::Arc;
use std::time::Duration;

use chat_domain::clock::Clock;
use chat_domain::idempotency::IdempotencyRepository;
use tokio::time::MissedTickBehavior;

/// Clients are promised 24 hours; the double leaves room for clocks that differ.
const KEEP_SECONDS: i64 = 48 * 3_600;
const EVERY: Duration = Duration::from_hours(1);

/// Forgets old keys now and then, for as long as the task lives. Several nodes may do so at once.
pub(crate) async fn forget_old_keys(keys: Arc<dyn IdempotencyRepository>, clock: Arc<dyn Clock>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match keys.forget_before(clock.now().plus_seconds(-KEEP_SECONDS)).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "old idempotency keys forgotten"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "old idempotency keys not forgotten");
            }
        }
    }
}
