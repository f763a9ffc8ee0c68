//! Somebody else holds locks: on one session, then on whole tables.

use std::time::Duration;

use tokio::time::Instant;

use super::GROWTH_MIB;
use crate::client::Request;
use crate::failure::Outcome;
use crate::load::Size;
use crate::memory::MemoryWatch;
use crate::postgres::{Postgres, SERVICE};
use crate::queues::QueueWatch;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::{Plan, World};

pub(crate) const FAULT: &str = "locks held by somebody else: on one session, on all tables";
pub(crate) const EXPECTED: &str =
    "503 for those that need them, in time; other sessions go on; no statement outlives its deadline";

const PATIENCE: Duration = Duration::from_mins(1);
/// How long the service's oldest statement or transaction on the server has been going on.
const OLDEST: &str = "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0)::float8
    FROM pg_stat_activity
    WHERE application_name = 'chat-service' AND state IN ('active', 'idle in transaction')";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let deadline = super::deadline(stage);
    let plan = Plan::nodes(2).with("STORE_DEADLINE_MS", deadline.as_millis().to_string());
    let mut world = stage.world(plan).await?;
    let size = Size { writers: stage.times(32, 8), ..Size::default() };
    let load = world.load(size)?;
    load.stored(50).await?;
    let memory = MemoryWatch::start(&world);
    let queues = QueueWatch::start(&world);
    one_session(stage, &mut world).await?;
    let locker = world.postgres()?.server.admin(SERVICE).await?;
    locker.batch_execute("BEGIN; LOCK TABLE sessions, messages IN ACCESS EXCLUSIVE MODE").await?;
    load.refused(stage.times(200, 20)).await?;
    let oldest = watch(&world.postgres()?.server, stage.times(100, 10)).await?;
    locker.batch_execute("ROLLBACK").await?;
    stage.back(&world, &load, Instant::now()).await?;
    let limit = deadline.as_secs_f64() + 1.0;
    stage.promise(oldest <= limit, || format!("a statement went on for {oldest:.1} s, beyond its deadline"));
    stage.note(format!("oldest statement {oldest:.1} s"));
    stage.grown(memory.growth(), GROWTH_MIB);
    queues.bounded(stage, size.clients());
    stage.settle(&mut world, load).await
}

/// Who holds one session keeps nobody from another.
async fn one_session(stage: &mut Stage, world: &mut World) -> Outcome {
    let held = world.ask(0, &Request::session("held")).await?.text("id")?;
    let locker = world.postgres()?.server.admin(SERVICE).await?;
    locker.batch_execute(&format!("BEGIN; SELECT FROM sessions WHERE id = '{held}' FOR UPDATE")).await?;
    let request = Request::message(&held, "held", "held");
    let answer = world.ask(0, &request).await?;
    stage.promise(answer.code() == "store_unavailable", || format!("a message to a held session: {answer:?}"));
    let read = world.ask(0, &Request::get(format!("/api/v1/sessions/{held}"))).await?;
    stage.promise(read.status == 200, || format!("a held session cannot be read: {read:?}"));
    let before = world.recorder.tally().stored;
    until("messages for other sessions", PATIENCE, async || Ok(world.recorder.tally().stored > before + 20)).await?;
    locker.batch_execute("ROLLBACK").await?;
    Ok(())
}

/// The age of the oldest statement in so many looks.
async fn watch(server: &Postgres, looks: usize) -> Outcome<f64> {
    let admin = server.admin("postgres").await?;
    let mut oldest = 0.0_f64;
    for _ in 0..looks {
        oldest = oldest.max(admin.query_one(OLDEST, &[]).await?.try_get(0)?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(oldest)
}
