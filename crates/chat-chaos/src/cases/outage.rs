//! What a node says of itself while its store is away: the same in many cases.

use crate::failure::Outcome;
use crate::stage::Stage;
use crate::world::World;

/// Each node lives, is not healthy, and says so in time.
pub(crate) async fn is_told(stage: &mut Stage, world: &World) -> Outcome {
    for node in 0..world.nodes.len() {
        let health = world.healthy_as(node, "unhealthy").await?;
        stage.promise(health.status == 503, || format!("/health of a node without store says {}", health.status));
        stage.health_took(health.took);
        let live = world.live(node).await?;
        stage.promise(live == 200, || format!("/health/live of a node without store says {live}"));
    }
    Ok(())
}
