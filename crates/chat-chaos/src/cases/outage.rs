//! A store that goes away and comes back, and what a node says of itself meanwhile: the same in many cases.

use tokio::time::Instant;

use crate::failure::Outcome;
use crate::load::Size;
use crate::postgres::Postgres;
use crate::stage::Stage;
use crate::world::{Plan, World};

/// What is promised of a PostgreSQL that ends and is started again, however it ended.
pub(super) const EXPECTED: &str = "503 with `Retry-After` within 9 s, live, not healthy; back in 5 s without a restart";

/// PostgreSQL is ended in this way and started again once nodes have told of it, again and again.
pub(super) async fn of_postgres(stage: &mut Stage, end: impl AsyncFn(&mut Postgres) -> Outcome) -> Outcome {
    let mut world = stage.world(Plan::nodes(2)).await?;
    let load = world.load(Size::default())?;
    for _ in 0..stage.times(10, 1) {
        load.stored(50).await?;
        end(&mut world.postgres()?.server).await?;
        load.refused(20).await?;
        is_told(stage, &world).await?;
        world.postgres()?.server.start().await?;
        stage.back(&world, &load, Instant::now()).await?;
    }
    stage.settle(&mut world, load).await
}

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
