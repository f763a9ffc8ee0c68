//! Redis is killed, and comes back empty.

use crate::cases::unasked::Unasked;
use crate::cases::{beside, cacheless};
use crate::failure::Outcome;
use crate::load::Size;
use crate::stage::Stage;
use crate::world::{Cache, Plan};

pub(crate) const FAULT: &str = "Redis killed, and started again";
pub(crate) const EXPECTED: &str = "no 5xx, nothing stale, at most 100 ms added; `degraded`; whole again by itself";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2).with_redis(Cache::Present)).await?;
    let load = world.load(Size::default())?;
    let mut unasked = Unasked::default();
    for _ in 0..stage.times(10, 2) {
        cacheless::all_whole(&world).await?;
        unasked.calm(&world).await?;
        let mut calm = beside::calm(stage, &world, &load).await?;
        world.redis()?.server.kill();
        unasked.strike(stage, &world).await?;
        cacheless::is_told(stage, &world).await?;
        beside::cost(stage, &world, &load, &mut calm).await?;
        world.redis()?.server.start().await?;
        cacheless::is_over(stage, &world, &load).await?;
    }
    beside::harmed_nobody(stage, &world);
    stage.settle(&mut world, load).await
}
