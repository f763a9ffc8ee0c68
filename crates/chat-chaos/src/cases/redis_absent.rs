//! Redis is not there when the nodes start, and comes later.

use crate::cases::{beside, cacheless};
use crate::failure::Outcome;
use crate::load::Size;
use crate::stage::Stage;
use crate::world::{Cache, Plan};

pub(crate) const FAULT: &str = "Redis absent at start, and there later";
pub(crate) const EXPECTED: &str = "a degraded start without a failure; whole again by itself";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2).with_redis(Cache::Absent)).await?;
    let load = world.load(Size::default())?;
    load.stored(stage.times(500, 50)).await?;
    cacheless::is_told(stage, &world).await?;
    world.redis()?.server.start().await?;
    cacheless::is_over(stage, &world, &load).await?;
    load.stored(stage.times(500, 50)).await?;
    beside::harmed_nobody(stage, &world);
    stage.settle(&mut world, load).await
}
