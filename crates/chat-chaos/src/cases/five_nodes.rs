//! Five nodes start at the same moment on a database in which there is nothing.

use tokio::time::Instant;

use crate::failure::Outcome;
use crate::load::Size;
use crate::stage::Stage;
use crate::world::{Plan, World};

pub(crate) const FAULT: &str = "five nodes start at once on an empty database";
pub(crate) const EXPECTED: &str = "all of them healthy";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let plan = Plan::nodes(5).with("DATABASE_MAX_CONNECTIONS", "4");
    let mut world = World::servers(stage, &plan).await?;
    for number in 0..plan.nodes {
        let node = world.node(stage, number, &plan)?;
        world.nodes.push(node);
    }
    let began = Instant::now();
    for node in &mut world.nodes {
        node.launch()?;
    }
    for node in &mut world.nodes {
        node.listening(0).await?;
    }
    for number in 0..plan.nodes {
        let health = world.healthy_as(number, "healthy").await?;
        stage.promise(health.status == 200, || format!("node {number} says {}", health.status));
    }
    stage.note(format!("all healthy in {:.1?}", began.elapsed()));
    world.make_sessions().await?;
    let load = world.load(Size { writers: 2, readers: 1, ..Size::default() })?;
    load.stored(stage.times(2_000, 100)).await?;
    stage.settle(&mut world, load).await
}
