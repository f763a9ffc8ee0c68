//! Redis is not there when the nodes start, and comes later.

use crate::cases::{beside, cacheless};
use crate::failure::Outcome;
use crate::stage::Stage;
use crate::world::{Cache, Plan};

pub(crate) const FAULT: &str = "Redis absent at start, and there later";
pub(crate) const EXPECTED: &str = "a degraded start without a failure, at most 100 ms added; whole again by itself";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2).with_redis(Cache::Absent)).await?;
    let load = world.load(beside::load(stage))?;
    // A node that has just started opens its connections to the store first, with Redis and without.
    load.stored(50).await?;
    let absent = beside::ninety_nine(&world, &load, world.recorder.ended(), stage.times(500, 50)).await?;
    cacheless::is_told(stage, &world).await?;
    world.redis()?.server.start().await?;
    cacheless::is_over(stage, &world, &load).await?;
    let present = beside::ninety_nine(&world, &load, world.recorder.ended(), stage.times(500, 50)).await?;
    stage.added(absent.saturating_sub(present));
    beside::harmed_nobody(stage, &world);
    stage.settle(&mut world, load).await
}
