//! One node alone cannot reach Redis: it cannot tell the others what it writes, nor hear what they wrote.

use crate::cases::unasked::Unasked;
use crate::cases::{beside, cacheless};
use crate::failure::Outcome;
use crate::load::Size;
use crate::proxy::Proxy;
use crate::stage::Stage;
use crate::world::{Cache, Plan};

pub(crate) const FAULT: &str = "one node cut off from Redis";
pub(crate) const EXPECTED: &str = "no 5xx, nothing stale on either node, at most 100 ms added";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2).with_redis(Cache::Present)).await?;
    let load = world.load(Size { readers: 4, ..beside::load(stage) })?;
    let mut unasked = Unasked::default();
    for _ in 0..stage.times(20, 2) {
        unasked.calm(&world).await?;
        let mut calm = beside::calm(stage, &world, &load).await?;
        world.redis()?.proxy(0)?.refuse();
        unasked.strike(stage, &world).await?;
        world.healthy_as(0, "degraded").await?;
        beside::cost(stage, &world, &load, &mut calm).await?;
        world.redis()?.proxy(0).map(Proxy::heal)?;
        cacheless::whole(&world, 0).await?;
    }
    beside::harmed_nobody(stage, &world);
    stage.settle(&mut world, load).await
}
