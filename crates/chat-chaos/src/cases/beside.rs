//! What other clients notice of a fault: nothing may fail, and little may take longer. The same in many cases.

use std::time::Duration;

use crate::failure::Outcome;
use crate::load::Load;
use crate::stage::Stage;
use crate::world::World;

/// What all but one in a hundred requests take, until so many more messages are stored.
async fn ninety_nine(world: &World, load: &Load, messages: usize) -> Outcome<Duration> {
    let behind = world.recorder.ended();
    load.stored(messages).await?;
    Ok(world.recorder.ninety_nine(behind))
}

/// What they take while nothing is wrong.
pub(super) async fn calm(stage: &Stage, world: &World, load: &Load) -> Outcome<Duration> {
    ninety_nine(world, load, stage.times(500, 20)).await
}

/// What they take more, now that something is wrong.
pub(super) async fn cost(stage: &mut Stage, world: &World, load: &Load, before: Duration) -> Outcome {
    let now = ninety_nine(world, load, stage.times(500, 30)).await?;
    stage.added(now.saturating_sub(before));
    Ok(())
}

/// No request has failed.
pub(super) fn harmed_nobody(stage: &mut Stage, world: &World) {
    let tally = world.recorder.tally();
    let harmed = tally.failed + tally.unknown;
    stage.promise(harmed == 0, || format!("{harmed} requests failed, of which none had to"));
}
