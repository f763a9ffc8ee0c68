//! What other clients notice of a fault: nothing may fail, and little may take longer. The same in many cases.

use std::time::Duration;

use crate::case::{Form, Store};
use crate::failure::Outcome;
use crate::load::{Load, Size};
use crate::stage::Stage;
use crate::world::World;

/// A load of which no request may fail. A deletion holds its session in PostgreSQL for six round trips, and where a node gets
/// hardly any processor an append that waits for it may be refused: there is none in the form for busy machines.
pub(super) fn load(stage: &Stage) -> Size {
    Size { deletes: stage.store() == Store::Sqlite || stage.form() == Form::Long, ..Size::default() }
}

/// What all but one in a hundred requests take that end behind this place, until so many more messages are stored.
pub(super) async fn ninety_nine(world: &World, load: &Load, behind: usize, messages: usize) -> Outcome<Duration> {
    load.stored(messages).await?;
    Ok(world.recorder.ninety_nine(behind))
}

/// What requests take while nothing is wrong, and from where on something may be.
#[derive(Debug)]
pub(super) struct Calm {
    took: Duration,
    behind: usize,
}

/// What they take while nothing is wrong. To be taken right before the harm: from here on everything counts as its cost.
pub(super) async fn calm(stage: &Stage, world: &World, load: &Load) -> Outcome<Calm> {
    let took = ninety_nine(world, load, world.recorder.ended(), stage.times(500, 20)).await?;
    Ok(Calm { took, behind: world.recorder.ended() })
}

/// What they take more since the calm, or since the cost was last taken: those that the harm itself has hit included.
pub(super) async fn cost(stage: &mut Stage, world: &World, load: &Load, calm: &mut Calm) -> Outcome {
    let now = ninety_nine(world, load, calm.behind, stage.times(500, 30)).await?;
    calm.behind = world.recorder.ended();
    stage.added(now.saturating_sub(calm.took));
    Ok(())
}

/// No request has failed.
pub(super) fn harmed_nobody(stage: &mut Stage, world: &World) {
    let harmed = world.recorder.tally().harmed();
    stage.promise(harmed == 0, || format!("{harmed} requests failed, of which none had to"));
}
