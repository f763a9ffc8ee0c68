//! The network swallows all that the service and PostgreSQL say to each other; nothing is closed, nothing is refused.

use std::time::Duration;

use tokio::time::Instant;

use super::GROWTH_MIB;
use crate::cases::cacheless::scraped;
use crate::cases::outage;
use crate::failure::Outcome;
use crate::load::Size;
use crate::memory::MemoryWatch;
use crate::proxy::Proxy;
use crate::queues::QueueWatch;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::{Plan, World};

pub(crate) const FAULT: &str = "PostgreSQL a black hole: nothing comes back, nothing is closed";
pub(crate) const EXPECTED: &str =
    "503 within 6 s, live, not healthy; no queue without bound, 503 beyond it; memory flat; back in 5 s";

/// So many times what a queue of appends holds is sent at once.
const FLOOD: usize = 3;
/// Appends that found the queue full.
const REFUSED: &str = "chat_append_refusals_total{reason=\"full\"}";
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let deadline = super::deadline(stage);
    let room = stage.times(512, 32);
    let plan = Plan::nodes(2).with("STORE_DEADLINE_MS", deadline.as_millis().to_string());
    let plan = plan.with("GROUP_COMMIT_QUEUE", room.to_string());
    let mut world = stage.world(plan).await?;
    let pause = Duration::from_millis(20);
    let patient = Size { writers: stage.times(32, 8), readers: stage.times(16, 4), pause, ..Size::default() };
    let load = world.load(patient)?;
    // What they ask for goes on without them, and must not pile up.
    let patience = Duration::from_millis(300);
    let hasty = Size { writers: stage.times(16, 4), readers: 4, pause, patience, ..Size::default() };
    let impatient = world.load(hasty)?;
    // What a client has given up may wait until its deadline, and the next ones beside it.
    let given_up = hasty.clients() * (stage.times(17, 5) + 2);
    for _ in 0..stage.times(3, 1) {
        load.stored(50).await?;
        let memory = MemoryWatch::start(&world);
        let queues = QueueWatch::start(&world).with_room(room);
        world.postgres()?.each(Proxy::stall);
        let began = Instant::now();
        load.refused(stage.times(400, 30)).await?;
        outage::is_told(stage, &world).await?;
        flood(&world, room * FLOOD).await?;
        stage.let_pass(Duration::from_secs(20).saturating_sub(began.elapsed()), Duration::ZERO).await;
        stage.grown(memory.growth(), GROWTH_MIB);
        queues.bounded(stage, patient.clients() + given_up + room * FLOOD);
        world.postgres()?.each(Proxy::heal);
        stage.back(&world, &load, Instant::now()).await?;
    }
    impatient.stop().await?;
    stage.settle(&mut world, load).await
}

/// So many appends at once, more than the first node may keep: some of them are told so at once. Their answers are held to
/// the same promises as all others.
async fn flood(world: &World, many: usize) -> Outcome {
    let before = scraped(world, 0, REFUSED).await?.unwrap_or_default();
    let flood = world.burst(many)?;
    until("a queue of appends to be full", PATIENCE, async || {
        Ok(scraped(world, 0, REFUSED).await?.is_some_and(|now| now > before))
    })
    .await?;
    flood.stop().await
}
