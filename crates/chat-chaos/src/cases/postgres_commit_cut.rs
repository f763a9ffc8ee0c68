//! The connection to PostgreSQL ends when the server has done what it was asked and before the service hears of it.

use std::time::Duration;

use crate::client::{Answer, Request};
use crate::failure::{Failure, Outcome};
use crate::load::Size;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::{Plan, World};

pub(crate) const FAULT: &str = "the connection cut between COMMIT and its answer";
pub(crate) const EXPECTED: &str = "503 `outcome_unknown`; a retry with the same key makes no second row";

const PATIENCE: Duration = Duration::from_secs(30);
/// From the first byte of an answer to well into the next ones.
const BYTES: usize = 61;

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(1)).await?;
    let load = world.load(Size::default())?;
    for round in 0..stage.times(200, 20) {
        load.stored(5).await?;
        let proxy = world.postgres()?.proxy(0)?;
        let cuts = proxy.cuts();
        proxy.cut_after((round * BYTES) % 500);
        until("a connection to be cut", PATIENCE, async || Ok(proxy.cuts() > cuts)).await?;
    }
    // Before the load is settled: what follows stands in no history.
    let unknown = load.tally().unknown;
    stage.promise(unknown > 0, || "no outcome was unknown, so nothing was cut where it hurts".to_owned());
    stage.settle(&mut world, load).await?;
    lone_messages(stage, &mut world).await?;
    lone_sessions(stage, &mut world).await
}

/// One message at a time, so that it is known whose answer was lost: it is said to be unknown, and the retry finds it where
/// it was stored. It was not where the answer that was lost was that of preparing the statement.
async fn lone_messages(stage: &mut Stage, world: &mut World) -> Outcome {
    let session = world.ask(0, &Request::session("cut")).await?.text("id")?;
    let (mut unknown, mut found) = (0, 0);
    let rounds = stage.times(50, 10);
    for round in 0..rounds {
        let key = format!("cut-{round}");
        let request = Request::message(&session, &key, &key);
        world.postgres()?.proxy(0)?.cut_after(0);
        let first = world.ask(0, &request).await?;
        world.postgres()?.proxy(0)?.heal();
        if first.code() == "outcome_unknown" {
            unknown += 1;
            let was_stored = messages(world, &session).await? > round;
            let replayed = retried(world, &request).await?.replayed;
            stage.promise(replayed == was_stored, || format!("stored: {was_stored}, found by the retry: {replayed}"));
            found += usize::from(replayed);
        } else {
            // Something else of the service's was asked in this moment, and lost its answer instead.
            stage.promise(first.status == 201 || first.is_promised_refusal(), || format!("{first:?}"));
            retried(world, &request).await?;
        }
    }
    stage.promise(unknown > rounds / 2, || format!("of {rounds} lost answers {unknown} were told as unknown"));
    stage.promise(found > rounds / 2, || format!("of {unknown} unknown ones {found} were stored"));
    stage.note(format!("{unknown} lone appends unknown, {found} found stored by the retry"));
    let stored = messages(world, &session).await?;
    stage.promise(stored == rounds, || format!("{rounds} messages were sent, {stored} are there"));
    Ok(())
}

/// How many messages the session has now.
async fn messages(world: &World, session: &str) -> Outcome<usize> {
    let mut stored = None;
    until("the messages to be listed", PATIENCE, async || {
        let list = world.ask(0, &Request::get(format!("/api/v1/sessions/{session}/messages?limit=1000"))).await?;
        stored = list.body.as_array().map(Vec::len).filter(|_| list.status == 200);
        Ok(stored.is_some())
    })
    .await?;
    stored.ok_or_else(|| Failure::other("the messages were not listed"))
}

/// The same of sessions, whose making is several round trips: the cut moves through all of them.
async fn lone_sessions(stage: &mut Stage, world: &mut World) -> Outcome {
    for round in 0..stage.times(60, 12) {
        let user = format!("cut-{round}");
        let mut request = Request::session(&user);
        request.body = Some(serde_json::json!({"user_id": user}));
        world.postgres()?.proxy(0)?.cut_after(round * 7);
        let first = world.ask(0, &request).await?;
        world.postgres()?.proxy(0)?.heal();
        stage.promise(first.status == 201 || first.is_promised_refusal(), || format!("{first:?}"));
        retried(world, &request).await?;
        let list = world.ask(0, &Request::get(format!("/api/v1/users/{user}/sessions"))).await?;
        let stored = list.body.as_array().map_or(0, Vec::len);
        stage.promise(stored == 1, || format!("a session that was cut at byte {} is there {stored} times", round * 7));
    }
    Ok(())
}

/// The same request again, until it is done.
async fn retried(world: &World, request: &Request) -> Outcome<Answer> {
    let mut last = None;
    until("a retry to be answered", PATIENCE, async || {
        let answer = world.ask(0, request).await?;
        let refused = answer.is_promised_refusal();
        last = Some(answer);
        Ok(!refused)
    })
    .await?;
    last.filter(|answer| answer.status == 201).ok_or_else(|| Failure::other("a retry was refused for good"))
}
