//! One node's clock is an hour ahead, then an hour behind; then just within and just beyond what is tolerated.

use std::collections::HashMap;

use crate::case::Store;
use crate::client::Request;
use crate::failure::Outcome;
use crate::load::Size;
use crate::shim::Shim;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::{Plan, World};

pub(crate) const FAULT: &str = "the clock of one node an hour ahead, then an hour behind, then 29 s and 31 s off";
pub(crate) const EXPECTED: &str =
    "`seq`, `rev` and cursors hold; the node is not ready and says why (where there is a database to compare with)";

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
const HOUR: i64 = 3_600;
/// How far a clock may be off from the database's.
const LIMIT: i64 = 30;
/// By how much a clock is within the limit or beyond it. A skew is never told greater than it is, so within it a node is
/// ready however slow the machine is.
const BY: i64 = 1;
/// How long it may take to read both clocks; less than the smallest shift, which is seen so.
const SLACK: i64 = 15;
const SESSIONS: usize = 11;

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let shim = Shim::build().await?;
    let mut world = stage.world(Plan::nodes(2)).await?;
    let load = world.load(Size::default())?;
    for seconds in [HOUR, -HOUR, 0] {
        load.stored(stage.times(500, 50)).await?;
        restart(&mut world, &shim, seconds).await?;
        load.stored(stage.times(500, 50)).await?;
        readiness(stage, &world, seconds).await?;
        cursors(stage, &world, seconds).await?;
    }
    if stage.store() == Store::Postgres {
        for seconds in [LIMIT - BY, LIMIT + BY, BY - LIMIT, -LIMIT - BY, 0] {
            restart(&mut world, &shim, seconds).await?;
            readiness(stage, &world, seconds).await?;
        }
    }
    stage.settle(&mut world, load).await
}

/// The last node comes again with a clock that is off by so many seconds.
async fn restart(world: &mut World, shim: &Shim, seconds: i64) -> Outcome {
    let wrong = world.last()?;
    wrong.kill();
    for (variable, value) in shim.clock(seconds) {
        wrong.set(&variable, value);
    }
    wrong.start().await
}

/// The node is ready with the right time; with the wrong one it is not, where it can know.
async fn readiness(stage: &mut Stage, world: &World, seconds: i64) -> Outcome {
    let last = world.nodes.len() - 1;
    let time = world.health(last).await?.body.get("timestamp").cloned().unwrap_or_default();
    let off = ahead(time.as_str().unwrap_or_default())?;
    stage.promise((off - seconds).abs() <= SLACK, || format!("its clock is off by {off} s, not by {seconds} s"));
    let right = seconds.abs() <= LIMIT || stage.store() == Store::Sqlite;
    let status = if right { 200 } else { 503 };
    let asked = Request::get("/health/ready");
    let mut told = String::new();
    let settled = until("readiness", PATIENCE, async || {
        let answer = world.ask(last, &asked).await?;
        told = answer.body.to_string();
        Ok(answer.status == status && (right || told.contains("clock")))
    })
    .await;
    stage.promise(settled.is_ok(), || format!("a node whose clock is off by {seconds} s says {told}"));
    Ok(())
}

/// By how many seconds a time is ahead of now. The clock of this process is right; SQLite reads both.
fn ahead(time: &str) -> Outcome<i64> {
    let seconds = "SELECT CAST(strftime('%s', ?1) AS INTEGER) - CAST(strftime('%s', 'now') AS INTEGER)";
    Ok(rusqlite::Connection::open_in_memory()?.query_row(seconds, [time], |row| row.get(0))?)
}

/// Pages of a list show each session once, whichever node made it, also while others are made.
async fn cursors(stage: &mut Stage, world: &World, seconds: i64) -> Outcome {
    let user = format!("clock{seconds}");
    let mut sessions = HashMap::new();
    for number in 0..SESSIONS {
        let made = make(world, number % world.nodes.len(), &user).await?;
        sessions.insert(made, 0);
    }
    let mut page = Some(format!("/api/v1/users/{user}/sessions?limit=2"));
    let mut number = 0;
    while let Some(path) = page {
        let answer = world.ask(number % world.nodes.len(), &Request::get(path)).await?;
        for session in answer.body.as_array().into_iter().flatten() {
            let id = session.get("id").and_then(serde_json::Value::as_str).unwrap_or_default();
            if let Some(times) = sessions.get_mut(id) {
                *times += 1;
            }
        }
        page = answer.next;
        // Soon no more, or the list would grow as fast as it is read.
        if number < SESSIONS / 2 {
            make(world, number % world.nodes.len(), &user).await?;
        }
        number += 1;
    }
    let wrong = sessions.values().filter(|times| **times != 1).count();
    stage.promise(wrong == 0, || format!("{wrong} of {SESSIONS} sessions were not listed once: {sessions:?}"));
    Ok(())
}

async fn make(world: &World, node: usize, user: &str) -> Outcome<String> {
    let mut request = Request::session("");
    request.key = None;
    request.body = Some(serde_json::json!({"user_id": user}));
    world.ask(node, &request).await?.text("id")
}
