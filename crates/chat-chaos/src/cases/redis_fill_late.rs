//! What a node puts into Redis arrives there only after another node has written: an old page after a new one.

use std::time::Duration;

use crate::cases::{beside, cacheless};
use crate::client::Request;
use crate::failure::{Failure, Outcome};
use crate::load::Size;
use crate::proxy::Flow;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::{Cache, Plan, World};

pub(crate) const FAULT: &str = "a cache fill delayed past a write";
pub(crate) const EXPECTED: &str = "the write is seen, on every node";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2).with_redis(Cache::Present)).await?;
    let session = world.ask(0, &Request::session("late")).await?.text("id")?;
    let last = world.nodes.len() - 1;
    let mut late = 0;
    for round in 0..stage.times(50, 5) {
        let (old, new) = (format!("{round}-old"), format!("{round}-new"));
        send(&world, last, &session, &old).await?;
        let proxy = world.redis()?.proxy(0)?;
        proxy.set(Flow::Stall, Flow::Pass);
        let before = keys(&mut world).await?;
        // Redis is asked in vain, the page comes from the store, and its fill is stuck.
        sees(stage, &world, 0, &session, &old).await?;
        send(&world, last, &session, &new).await?;
        if last > 0 {
            sees(stage, &world, last, &session, &new).await?;
        }
        world.redis()?.proxy(0)?.heal();
        late += usize::from(filled(&mut world, before).await?);
        for node in 0..world.nodes.len() {
            sees(stage, &world, node, &session, &new).await?;
        }
        cacheless::whole(&world, 0).await?;
    }
    stage.promise(late > 0, || "no fill came late".to_owned());
    stage.note(format!("{late} late fills"));
    under_load(stage, &mut world).await
}

/// The same by chance: fills of both nodes are late by turns while clients write and read.
async fn under_load(stage: &mut Stage, world: &mut World) -> Outcome {
    let load = world.load(Size { readers: 4, ..beside::load(stage) })?;
    for round in 0..stage.times(100, 10) {
        load.stored(10).await?;
        let late = if round % 2 == 0 { Flow::Delay(Duration::from_millis(30)) } else { Flow::Pass };
        world.redis()?.each(|proxy| proxy.set(late, Flow::Pass));
    }
    world.redis()?.each(crate::proxy::Proxy::heal);
    beside::harmed_nobody(stage, world);
    stage.settle(world, load).await
}

async fn send(world: &World, node: usize, session: &str, content: &str) -> Outcome {
    let answer = world.ask(node, &Request::message(session, content, content)).await?;
    if answer.status == 201 { Ok(()) } else { Err(Failure::other(format!("{answer:?}"))) }
}

/// The newest message of a session is this one, as a list and with the session.
async fn sees(stage: &mut Stage, world: &World, node: usize, session: &str, content: &str) -> Outcome {
    let list = format!("/api/v1/sessions/{session}/messages?order=desc&limit=10");
    let whole = format!("/api/v1/sessions/{session}?message_limit=10");
    let list = world.ask(node, &Request::get(list)).await?;
    let whole = world.ask(node, &Request::get(whole)).await?;
    let newest = [
        list.body.pointer("/0/content"),
        whole.body.get("messages").and_then(|all| all.as_array()?.last()?.get("content")),
    ];
    let right = newest.iter().all(|newest| newest.and_then(|newest| newest.as_str()) == Some(content));
    stage.promise(right, || format!("node {node} shows {newest:?} where {content} is the newest"));
    Ok(())
}

async fn keys(world: &mut World) -> Outcome<String> {
    world.redis()?.server.command("DBSIZE").await
}

/// Waits for what was stuck to arrive; `false` where nothing was, since the node had given Redis up by then.
async fn filled(world: &mut World, before: String) -> Outcome<bool> {
    let patience = Duration::from_secs(2);
    let arrived = until("a late fill", patience, async || Ok(keys(world).await? != before)).await;
    match arrived {
        Ok(()) => Ok(true),
        Err(Failure::InVain(_)) => Ok(false),
        Err(failure) => Err(failure),
    }
}
