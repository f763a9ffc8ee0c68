//! Redis keeps its connections and says nothing any more: its process stopped, or the network a black hole.

use crate::cases::cacheless;
use crate::failure::Outcome;
use crate::proxy::Proxy;
use crate::redis::Redis;
use crate::stage::Stage;
use crate::world::Behind;

pub(crate) const FAULT: &str = "Redis stalled: its process stopped, or the network a black hole";
pub(crate) const EXPECTED: &str = cacheless::EXPECTED;

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    cacheless::rounds(stage, stall, heal).await
}

/// Redis says nothing any more.
pub(super) async fn stall(redis: &mut Behind<Redis>, round: usize) -> Outcome {
    if is_process(round) {
        return redis.server.freeze();
    }
    redis.each(Proxy::stall);
    Ok(())
}

/// It answers again.
pub(super) async fn heal(redis: &mut Behind<Redis>, round: usize) -> Outcome {
    if is_process(round) {
        return redis.server.thaw();
    }
    redis.each(Proxy::heal);
    Ok(())
}

/// By turns it is the process and the network.
const fn is_process(round: usize) -> bool {
    round.is_multiple_of(2)
}
