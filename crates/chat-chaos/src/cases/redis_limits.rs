//! Redis keeps count of limits too, and stalls: requests wait for it twice at the most, and no caller is refused for it.

use std::time::Duration;

use crate::cases::{cacheless, redis_stalled};
use crate::failure::Outcome;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::{Plan, World};

pub(crate) const FAULT: &str = "Redis stalled, where it keeps count of limits too";
pub(crate) const EXPECTED: &str =
    "no 5xx, no 429, at most 100 ms added; each node limits by itself; whole again by itself";

const PATIENCE: Duration = Duration::from_mins(1);
/// More than the load asks for, with bursts of which a node has to buy some all the time.
const SETTINGS: [(&str, &str); 6] = [
    ("AUTH_MODE", "gateway"),
    ("TRUSTED_PROXIES", "127.0.0.1"),
    ("RATE_LIMIT", "20000"),
    ("RATE_BURST", "1000"),
    ("RATE_LIMIT_MESSAGES", "20000"),
    ("RATE_BURST_MESSAGES", "1000"),
];
const BOUGHT: &str = "chat_redis_calls_total{call=\"buy\",result=\"ok\"}";
const ALONE: &str = "chat_rate_limit_fallbacks_total";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let plan = SETTINGS.iter().fold(Plan::nodes(2), |plan, (setting, value)| plan.with(setting, *value));
    cacheless::rounds_of(stage, plan, redis_stalled::stall, redis_stalled::heal, limit_alone).await
}

/// Waits until each node has asked Redis for permits, and goes by its own count now.
async fn limit_alone(world: &World) -> Outcome {
    for node in 0..world.nodes.len() {
        for figure in [BOUGHT, ALONE] {
            until(&format!("{figure} of node {node} to rise"), PATIENCE, async || {
                Ok(cacheless::scraped(world, node, figure).await?.is_some_and(|figure| figure > 0.0))
            })
            .await?;
        }
    }
    Ok(())
}
