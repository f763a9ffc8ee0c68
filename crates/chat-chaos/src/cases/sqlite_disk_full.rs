//! The disk under the SQLite file is full: while the service runs, and when it starts.

use std::time::Duration;

use tokio::time::Instant;

use crate::failure::Outcome;
use crate::load::Size;
use crate::shim::Shim;
use crate::stage::Stage;
use crate::world::{Plan, World, data_directory};

pub(crate) const FAULT: &str = "SQLite's disk full";
pub(crate) const EXPECTED: &str = "503, reads go on, nothing lost, back in 5 s; on a new file a refusal to start";

const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let shim = Shim::build().await?;
    let mut plan = Plan::nodes(1);
    plan.settings.extend(shim.disk(&data_directory(stage)));
    let mut world = stage.world(plan.clone()).await?;
    let load = world.load(Size { content: 2_000, ..Size::default() })?;
    for _ in 0..stage.times(10, 2) {
        load.stored(100).await?;
        shim.set_full(true)?;
        load.refused(30).await?;
        let read = world.recorder.reads().len();
        load.until("reads on a full disk", |_| world.recorder.reads().len() > read + 20).await?;
        shim.set_full(false)?;
        stage.back(&world, &load, Instant::now()).await?;
    }
    // What is there opens on a full disk, or is refused in so many words; and opens afterwards.
    shim.set_full(true)?;
    world.first()?.kill();
    let opened = world.first()?.start().await.is_ok();
    stage.note(if opened { "starts on a full disk" } else { "refuses to start on a full disk" });
    shim.set_full(false)?;
    if !opened {
        let status = world.first()?.end(PATIENCE).await?;
        super::refusal_is_clear(stage, world.first()?, status);
        world.first()?.start().await?;
    }
    stage.back(&world, &load, Instant::now()).await?;
    stage.settle(&mut world, load).await?;
    drop(world);
    refusal(stage, &shim, plan).await
}

/// On a full disk no new file can be made: the service says so and ends.
async fn refusal(stage: &mut Stage, shim: &Shim, mut plan: Plan) -> Outcome {
    let elsewhere = data_directory(stage).with_file_name("elsewhere");
    plan.settings.extend(shim.disk(&elsewhere));
    plan.settings.push(("DATA_DIR".to_owned(), elsewhere.display().to_string()));
    let world = World::servers(stage, &plan).await;
    let mut node = world?.node(stage, 1, &plan)?;
    shim.set_full(true)?;
    node.launch()?;
    let status = node.end(PATIENCE).await?;
    shim.set_full(false)?;
    super::refusal_is_clear(stage, &node, status);
    Ok(())
}
