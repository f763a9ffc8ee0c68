//! Redis has no memory left and throws nothing away: it refuses all writes and answers all reads.

use crate::cases::unasked::Unasked;
use crate::cases::{beside, cacheless};
use crate::failure::Outcome;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::{Cache, Plan, World};

pub(crate) const FAULT: &str = "Redis full (`maxmemory` without eviction)";
pub(crate) const EXPECTED: &str =
    "no 5xx, nothing stale, at most 100 ms added; `degraded`, and still read; filled again by itself";

const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2).with_redis(Cache::Present)).await?;
    let load = world.load(beside::load(stage))?;
    let mut unasked = Unasked::default();
    for _ in 0..stage.times(5, 1) {
        cacheless::all_whole(&world).await?;
        unasked.calm(&world).await?;
        let mut calm = beside::calm(stage, &world, &load).await?;
        say(&mut world, "CONFIG SET maxmemory 1").await?;
        unasked.strike(stage, &world).await?;
        cacheless::is_told(stage, &world).await?;
        beside::cost(stage, &world, &load, &mut calm).await?;
        let got = cacheless::calls(&world, "get").await?;
        until("a full Redis to be read", PATIENCE, async || {
            unasked.once(&world).await?;
            Ok(cacheless::all_more(&got, &cacheless::calls(&world, "get").await?))
        })
        .await?;
        let put = cacheless::calls(&world, "put").await?;
        say(&mut world, "CONFIG SET maxmemory 0").await?;
        cacheless::is_over(stage, &world, &load).await?;
        until("Redis to be filled again", PATIENCE, async || {
            unasked.once(&world).await?;
            Ok(cacheless::all_more(&put, &cacheless::calls(&world, "put").await?))
        })
        .await?;
    }
    beside::harmed_nobody(stage, &world);
    stage.settle(&mut world, load).await
}

async fn say(world: &mut World, command: &str) -> Outcome {
    world.redis()?.server.command(command).await.map(drop)
}
