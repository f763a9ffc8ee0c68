//! A node starts on a PostgreSQL that takes connections and says nothing: a network that swallows all that is said.

use std::time::Duration;

use tokio::time::Instant;

use crate::failure::Outcome;
use crate::load::Size;
use crate::proxy::Proxy;
use crate::stage::Stage;
use crate::world::{Plan, World};

pub(crate) const FAULT: &str = "PostgreSQL takes connections and says nothing when a node starts";
pub(crate) const EXPECTED: &str = "exit 1 in 10 s, and the last line says why; starts once it answers";

/// Three seconds are for the connection; the rest is for whatever else there is to a start and an end.
const LIMIT: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let plan = Plan::nodes(1);
    let mut world = World::servers(stage, &plan).await?;
    let node = world.node(stage, 0, &plan)?;
    world.nodes.push(node);
    refused(stage, &mut world).await?;
    let over = Instant::now();
    world.first()?.start().await?;
    world.make_sessions().await?;
    let load = world.load(Size::default())?;
    stage.back(&world, &load, over).await?;
    // A node that dies under an orchestrator comes again, and meets tables that are there.
    world.first()?.kill();
    refused(stage, &mut world).await?;
    world.first()?.start().await?;
    load.stored(50).await?;
    stage.settle(&mut world, load).await
}

/// A node that is started now ends in time, and says that it was the store.
async fn refused(stage: &mut Stage, world: &mut World) -> Outcome {
    world.postgres()?.each(Proxy::stall);
    let began = Instant::now();
    let node = world.first()?;
    node.launch()?;
    let status = node.end(PATIENCE).await?;
    let (took, log) = (began.elapsed(), std::fs::read_to_string(node.log()).unwrap_or_default());
    world.postgres()?.each(Proxy::heal);
    let last = log.lines().last().unwrap_or_default();
    let clear = status.code() == Some(1) && last.contains("DATABASE_URL: the database cannot be reached");
    stage.promise(clear, || format!("it ended with {status}, and said: {last}"));
    stage.promise(took <= LIMIT, || format!("it ended after {took:.1?}; {LIMIT:?} are promised"));
    stage.note(format!("ended by itself after {took:.1?}"));
    Ok(())
}
