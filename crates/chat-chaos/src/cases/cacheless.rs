//! Redis goes away and comes back, and what a node says of itself while it is away or full: the same in many cases.

use std::time::Duration;

use tokio::time::Instant;

use crate::cases::beside;
use crate::cases::unasked::Unasked;
use crate::client::Request;
use crate::failure::Outcome;
use crate::load::Load;
use crate::queues::figure;
use crate::redis::Redis;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::{Behind, Cache, Plan, World};

const PATIENCE: Duration = Duration::from_mins(1);

/// What is promised of a Redis that goes away and comes back, however it went.
pub(super) const EXPECTED: &str = "no 5xx, nothing stale, at most 100 ms added; `degraded`; whole again by itself";

/// Redis goes and comes in these ways, which are told the number of the round, again and again.
pub(super) async fn rounds(
    stage: &mut Stage,
    go: impl AsyncFn(&mut Behind<Redis>, usize) -> Outcome,
    come: impl AsyncFn(&mut Behind<Redis>, usize) -> Outcome,
) -> Outcome {
    rounds_of(stage, Plan::nodes(2), go, come, async |_| Ok(())).await
}

/// The same with these nodes, and with something more to be looked at while Redis is away.
pub(super) async fn rounds_of(
    stage: &mut Stage,
    plan: Plan,
    go: impl AsyncFn(&mut Behind<Redis>, usize) -> Outcome,
    come: impl AsyncFn(&mut Behind<Redis>, usize) -> Outcome,
    meanwhile: impl AsyncFn(&World) -> Outcome,
) -> Outcome {
    let mut world = stage.world(plan.with_redis(Cache::Present)).await?;
    let load = world.load(beside::load(stage))?;
    let mut unasked = Unasked::default();
    for round in 0..stage.times(10, 2) {
        all_whole(&world).await?;
        unasked.calm(&world).await?;
        let mut calm = beside::calm(stage, &world, &load).await?;
        go(world.redis()?, round).await?;
        unasked.strike(stage, &world).await?;
        is_told(stage, &world).await?;
        beside::cost(stage, &world, &load, &mut calm).await?;
        meanwhile(&world).await?;
        come(world.redis()?, round).await?;
        is_over(stage, &world, &load).await?;
    }
    beside::harmed_nobody(stage, &world);
    stage.settle(&mut world, load).await
}

/// Waits until a node has its Redis, and says so by its gauge too, which the alert goes by.
pub(super) async fn whole(world: &World, node: usize) -> Outcome {
    world.healthy_as(node, "healthy").await?;
    gauge(world, node, 1.0).await
}

/// Waits until the gauge of a node says this: a node tries its Redis by itself, now and then.
async fn gauge(world: &World, node: usize, says: f64) -> Outcome {
    let what = format!("chat_redis_available of node {node} to be {says}");
    until(&what, PATIENCE, async || {
        let told = scraped(world, node, "chat_redis_available").await?;
        Ok(told.is_some_and(|told| (told - says).abs() < 0.1))
    })
    .await
}

/// A figure of a node.
pub(super) async fn scraped(world: &World, node: usize, name: &str) -> Outcome<Option<f64>> {
    let scrape = world.ask(node, &Request::get("/metrics")).await?;
    Ok(figure(scrape.body.as_str().unwrap_or_default(), name))
}

/// How many calls of this kind each node has made to Redis that went well.
pub(super) async fn calls(world: &World, kind: &str) -> Outcome<Vec<f64>> {
    let mut calls = Vec::new();
    for node in 0..world.nodes.len() {
        let name = format!("chat_redis_calls_total{{call=\"{kind}\",result=\"ok\"}}");
        calls.push(scraped(world, node, &name).await?.unwrap_or_default());
    }
    Ok(calls)
}

/// Whether each node has made more calls than before.
pub(super) fn all_more(before: &[f64], after: &[f64]) -> bool {
    before.iter().zip(after).all(|(before, after)| after > before)
}

/// Waits until each node has its Redis.
pub(super) async fn all_whole(world: &World) -> Outcome {
    for node in 0..world.nodes.len() {
        whole(world, node).await?;
    }
    Ok(())
}

/// Each node says that it is degraded, by its health and its gauge, and goes on.
pub(super) async fn is_told(stage: &mut Stage, world: &World) -> Outcome {
    for node in 0..world.nodes.len() {
        let health = world.healthy_as(node, "degraded").await?;
        let cache = health.body.pointer("/checks/cache/status").and_then(serde_json::Value::as_str);
        let told = health.status == 200 && cache == Some("down");
        stage.promise(told, || format!("without Redis /health says {} {}", health.status, health.body));
        stage.health_took(health.took);
        gauge(world, node, 0.0).await?;
    }
    Ok(())
}

/// Waits until each node has its Redis back.
pub(super) async fn is_over(stage: &mut Stage, world: &World, load: &Load) -> Outcome {
    let over = Instant::now();
    all_whole(world).await?;
    stage.back(world, load, over).await
}
