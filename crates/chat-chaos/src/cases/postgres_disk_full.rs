//! The disk under PostgreSQL is full: tables cannot grow, and then the log cannot, which stops the server.

use std::time::Duration;

use tokio::time::Instant;

use super::GROWTH_MIB;
use crate::failure::Outcome;
use crate::load::Size;
use crate::memory::MemoryWatch;
use crate::queues::QueueWatch;
use crate::shim::Shim;
use crate::stage::Stage;
use crate::world::Plan;

pub(crate) const FAULT: &str = "PostgreSQL's disk full";
pub(crate) const EXPECTED: &str =
    "503 within 9 s, memory flat, nothing lost; back in 5 s when there is room (and a server)";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let shim = Shim::build().await?;
    let mut plan = Plan::nodes(2);
    plan.postgres_shim = Some(shim.clone());
    let mut world = stage.world(plan).await?;
    let size = Size { content: 8_000, ..Size::default() };
    let load = world.load(size)?;
    let (rounds, mut stopped) = (stage.times(5, 1), 0);
    for _ in 0..rounds {
        load.stored(100).await?;
        let memory = MemoryWatch::start(&world);
        let queues = QueueWatch::start(&world);
        shim.set_full(true)?;
        load.refused(stage.times(500, 50)).await?;
        stage.let_pass(Duration::from_secs(5), Duration::ZERO).await;
        shim.set_full(false)?;
        stage.grown(memory.growth(), GROWTH_MIB);
        queues.bounded(stage, size.clients());
        let server = &mut world.postgres()?.server;
        // With no room for its log it ends, and an operator has to start it again.
        stopped += usize::from(server.has_ended()?);
        server.revive().await?;
        stage.back(&world, &load, Instant::now()).await?;
    }
    stage.note(format!("the server ended by itself in {stopped} of {rounds} rounds"));
    stage.settle(&mut world, load).await
}
