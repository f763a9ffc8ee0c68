//! What a node says of itself while Redis is away: the same in many cases.

use tokio::time::Instant;

use crate::failure::Outcome;
use crate::load::Load;
use crate::stage::Stage;
use crate::world::World;

/// Waits until a node has its Redis.
pub(super) async fn whole(world: &World, node: usize) -> Outcome {
    world.healthy_as(node, "healthy").await.map(drop)
}

/// Waits until each node has its Redis.
pub(super) async fn all_whole(world: &World) -> Outcome {
    for node in 0..world.nodes.len() {
        whole(world, node).await?;
    }
    Ok(())
}

/// Each node says that it is degraded, and goes on.
pub(super) async fn is_told(stage: &mut Stage, world: &World) -> Outcome {
    for node in 0..world.nodes.len() {
        let health = world.healthy_as(node, "degraded").await?;
        let cache = health.body.pointer("/checks/cache/status").and_then(serde_json::Value::as_str);
        let told = health.status == 200 && cache == Some("down");
        stage.promise(told, || format!("without Redis /health says {} {}", health.status, health.body));
        stage.health_took(health.took);
    }
    Ok(())
}

/// Waits until each node has its Redis back.
pub(super) async fn is_over(stage: &mut Stage, world: &World, load: &Load) -> Outcome {
    let over = Instant::now();
    all_whole(world).await?;
    stage.back(world, load, over).await
}
