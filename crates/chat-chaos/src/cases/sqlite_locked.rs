//! Another process has the SQLite file: a tool that writes, or a second service.

use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use crate::failure::{Failure, Outcome};
use crate::load::{Load, Size};
use crate::stage::Stage;
use crate::world::{Plan, World, data_directory};

pub(crate) const FAULT: &str = "SQLite's file locked by another process";
pub(crate) const EXPECTED: &str = "503 in time, reads go on, back in 5 s; at start a clear refusal";

const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let deadline = super::deadline(stage);
    let plan = Plan::nodes(1).with("STORE_DEADLINE_MS", deadline.as_millis().to_string());
    let mut world = stage.world(plan.clone()).await?;
    let load = world.load(Size::default())?;
    for _ in 0..stage.times(5, 1) {
        load.stored(50).await?;
        let other = Connection::open(data_directory(stage).join("chat.db"))?;
        other.execute_batch("BEGIN IMMEDIATE")?;
        load.refused(stage.times(20, 4)).await?;
        let read = world.recorder.reads().len();
        load.until("reads beside a lock", |_| world.recorder.reads().len() > read + 20).await?;
        other.execute_batch("ROLLBACK")?;
        stage.back(&world, &load, Instant::now()).await?;
    }
    let mut second = world.node(stage, 1, &plan)?;
    second.launch()?;
    let status = second.end(PATIENCE).await?;
    super::refusal_is_clear(stage, &second, status);
    load.stored(20).await?;
    started_beside(stage, &mut world, &load).await?;
    stage.settle(&mut world, load).await?;
    drop(world);
    refused_beside(stage, plan).await
}

/// A node starts while another process holds a lock on a file that is up to date, and serves when it lets go.
async fn started_beside(stage: &mut Stage, world: &mut World, load: &Load) -> Outcome {
    world.first()?.kill();
    let other = Connection::open(data_directory(stage).join("chat.db"))?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    world.first()?.start().await?;
    load.refused(4).await?;
    other.execute_batch("ROLLBACK")?;
    stage.back(world, load, Instant::now()).await
}

/// A node refuses to start where another process holds a lock on a file that has no tables yet.
async fn refused_beside(stage: &mut Stage, mut plan: Plan) -> Outcome {
    let elsewhere = data_directory(stage).with_file_name("elsewhere");
    std::fs::create_dir(&elsewhere).map_err(Failure::io("a directory"))?;
    let other = Connection::open(elsewhere.join("chat.db"))?;
    other.execute_batch("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE")?;
    plan.settings.push(("DATA_DIR".to_owned(), elsewhere.display().to_string()));
    let mut third = World::servers(stage, &plan).await?.node(stage, 2, &plan)?;
    third.launch()?;
    let status = third.end(PATIENCE).await?;
    super::refusal_is_clear(stage, &third, status);
    Ok(())
}
