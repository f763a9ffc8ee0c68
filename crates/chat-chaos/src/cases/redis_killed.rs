//! Redis is killed, and comes back empty.

use crate::cases::cacheless;
use crate::failure::Outcome;
use crate::redis::Redis;
use crate::stage::Stage;
use crate::world::Behind;

pub(crate) const FAULT: &str = "Redis killed, and started again";
pub(crate) const EXPECTED: &str = cacheless::EXPECTED;

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let kill = async |redis: &mut Behind<Redis>, _| {
        redis.server.kill();
        Ok(())
    };
    let start = async |redis: &mut Behind<Redis>, _| redis.server.start().await;
    cacheless::rounds(stage, kill, start).await
}
