//! What a node says of itself while Redis is away or full: the same in many cases.

use std::time::Duration;

use tokio::time::Instant;

use crate::client::Request;
use crate::failure::Outcome;
use crate::load::Load;
use crate::queues::figure;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::World;

const PATIENCE: Duration = Duration::from_mins(1);

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
async fn scraped(world: &World, node: usize, name: &str) -> Outcome<Option<f64>> {
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
