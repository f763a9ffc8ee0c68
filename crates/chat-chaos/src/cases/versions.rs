//! A later version has expanded the tables, and this one still works on them: the nodes that run, and one that starts.

use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

use crate::case::Store;
use crate::cases::beside;
use crate::failure::Outcome;
use crate::load::Load;
use crate::postgres::SERVICE;
use crate::stage::Stage;
use crate::world::{Plan, World, data_directory};

pub(crate) const FAULT: &str = "old and new version on one schema: the tables expanded under nodes of the old version";
pub(crate) const EXPECTED: &str = "all healthy, no request fails; an old node starts on the new tables";

const PATIENCE: Duration = Duration::from_mins(1);
/// Far beyond the numbers of this version's own migrations.
const LATER: usize = 9_000;

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2)).await?;
    let load = world.load(beside::load(stage))?;
    for round in 0..stage.times(5, 1) {
        load.stored(50).await?;
        match stage.store() {
            Store::Sqlite => expand_file(stage, &mut world, round).await?,
            Store::Postgres => expand_beside(stage, &mut world, &load, round).await?,
        }
        let started = Instant::now();
        stage.back(&world, &load, started).await?;
        for node in 0..world.nodes.len() {
            let health = world.healthy_as(node, "healthy").await?;
            stage.promise(health.status == 200, || format!("node {node} says {} {}", health.status, health.body));
        }
        load.stored(50).await?;
    }
    stage.settle(&mut world, load).await
}

/// What the migration of a later version does: a column that may be null for each table, a table, and its own number.
fn expansion(round: usize) -> String {
    let version = LATER + round;
    format!(
        "ALTER TABLE sessions ADD COLUMN later_{version} text;
         ALTER TABLE messages ADD COLUMN later_{version} text;
         CREATE TABLE later_things_{version} (tenant_id text NOT NULL, id text NOT NULL, PRIMARY KEY (tenant_id, id));
         INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')"
    )
}

/// While nodes serve. None of their requests may fail, until one of them is restarted.
async fn expand_beside(stage: &mut Stage, world: &mut World, load: &Load, round: usize) -> Outcome {
    let before = load.tally().harmed();
    let migration = world.postgres()?.server.connect(SERVICE, SERVICE).await?;
    migration.batch_execute(&format!("BEGIN; {}; COMMIT", expansion(round))).await?;
    // Each node meets the new tables on all of its connections.
    load.stored(stage.times(500, 100)).await?;
    let harmed = load.tally().harmed() - before;
    stage.promise(harmed == 0, || format!("{harmed} requests failed when the tables were expanded"));
    let last = world.last()?;
    last.terminate()?;
    let status = last.end(PATIENCE).await?;
    stage.promise(status.success(), || format!("it ended with {status}"));
    world.last()?.start().await
}

/// A file has one process at a time: the later version has come and gone.
async fn expand_file(stage: &Stage, world: &mut World, round: usize) -> Outcome {
    world.first()?.kill();
    let later = Connection::open(data_directory(stage).join("chat.db"))?;
    later.execute_batch(&format!("BEGIN IMMEDIATE; {}; COMMIT", expansion(round)))?;
    drop(later);
    world.first()?.start().await
}
