//! PostgreSQL answers, but late: first within the deadline, then beyond it.

use std::time::Duration;

use tokio::time::Instant;

use super::GROWTH_MIB;
use crate::failure::Outcome;
use crate::load::Size;
use crate::memory::MemoryWatch;
use crate::proxy::Flow;
use crate::queues::QueueWatch;
use crate::stage::Stage;
use crate::world::Plan;

pub(crate) const FAULT: &str = "PostgreSQL slow: each answer 0.4 s later, then later than the deadline";
pub(crate) const EXPECTED: &str = "every answer in time, no queue without bound, memory flat; back in 5 s";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let deadline = super::deadline(stage);
    let plan = Plan::nodes(2).with("STORE_DEADLINE_MS", deadline.as_millis().to_string());
    let mut world = stage.world(plan).await?;
    let pause = Duration::from_millis(20);
    let size = Size { writers: stage.times(64, 8), readers: 8, pause, ..Size::default() };
    let load = world.load(size)?;
    load.stored(50).await?;
    let memory = MemoryWatch::start(&world);
    let queues = QueueWatch::start(&world);
    world
        .postgres()?
        .each(|proxy| proxy.set(Flow::Delay(Duration::from_millis(200)), Flow::Delay(Duration::from_millis(200))));
    load.stored(stage.times(500, 20)).await?;
    world.postgres()?.each(|proxy| proxy.set(Flow::Pass, Flow::Delay(deadline + Duration::from_millis(500))));
    load.refused(stage.times(300, 10)).await?;
    world.postgres()?.each(crate::proxy::Proxy::heal);
    stage.back(&world, &load, Instant::now()).await?;
    stage.grown(memory.growth(), GROWTH_MIB);
    queues.bounded(stage, size.clients());
    stage.settle(&mut world, load).await
}
