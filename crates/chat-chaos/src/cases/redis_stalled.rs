//! Redis keeps its connections and says nothing any more: its process stopped, or the network a black hole.

use crate::cases::unasked::Unasked;
use crate::cases::{beside, cacheless};
use crate::failure::Outcome;
use crate::load::Size;
use crate::proxy::Proxy;
use crate::stage::Stage;
use crate::world::{Cache, Plan};

pub(crate) const FAULT: &str = "Redis stalled: its process stopped, or the network a black hole";
pub(crate) const EXPECTED: &str = "no 5xx, nothing stale, at most 100 ms added; `degraded`; whole again by itself";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2).with_redis(Cache::Present)).await?;
    let load = world.load(Size::default())?;
    let mut unasked = Unasked::default();
    for round in 0..stage.times(10, 2) {
        cacheless::all_whole(&world).await?;
        unasked.calm(&world).await?;
        let mut calm = beside::calm(stage, &world, &load).await?;
        let stopped = round % 2 == 0;
        let redis = world.redis()?;
        if stopped {
            redis.server.freeze()?;
        } else {
            redis.each(Proxy::stall);
        }
        unasked.strike(stage, &world).await?;
        cacheless::is_told(stage, &world).await?;
        beside::cost(stage, &world, &load, &mut calm).await?;
        let redis = world.redis()?;
        if stopped {
            redis.server.thaw()?;
        } else {
            redis.each(Proxy::heal);
        }
        cacheless::is_over(stage, &world, &load).await?;
    }
    beside::harmed_nobody(stage, &world);
    stage.settle(&mut world, load).await
}
