//! Redis has no memory left and throws nothing away: it refuses all writes and answers all reads.

use crate::cases::{beside, cacheless};
use crate::failure::{Failure, Outcome};
use crate::load::Size;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::{Cache, Plan, World};

pub(crate) const FAULT: &str = "Redis full (`maxmemory` without eviction)";
pub(crate) const EXPECTED: &str = "no 5xx, nothing stale, at most 100 ms added; filled again by itself";

const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2).with_redis(Cache::Present)).await?;
    let load = world.load(Size::default())?;
    for _ in 0..stage.times(5, 1) {
        cacheless::all_whole(&world).await?;
        let mut calm = beside::calm(stage, &world, &load).await?;
        say(&mut world, "CONFIG SET maxmemory 1").await?;
        let refused = refusals(&mut world).await?;
        load.stored(20).await?;
        beside::cost(stage, &world, &load, &mut calm).await?;
        let more = refusals(&mut world).await? > refused;
        stage.promise(more, || "Redis had nothing to refuse, so it was not full".to_owned());
        say(&mut world, "CONFIG SET maxmemory 0").await?;
        say(&mut world, "FLUSHALL").await?;
        until("Redis to be filled again", PATIENCE, async || Ok(say(&mut world, "DBSIZE").await? != ":0")).await?;
    }
    beside::harmed_nobody(stage, &world);
    stage.settle(&mut world, load).await
}

async fn say(world: &mut World, command: &str) -> Outcome<String> {
    world.redis()?.server.command(command).await
}

/// How many commands Redis has refused for want of memory.
async fn refusals(world: &mut World) -> Outcome<u64> {
    let told = world.redis()?.server.section("errorstats").await?;
    let line = told.lines().find_map(|line| line.strip_prefix("errorstat_OOM:count="));
    line.map_or(Ok(0), |count| count.trim().parse().map_err(|_| Failure::other(format!("Redis counts {count}"))))
}
