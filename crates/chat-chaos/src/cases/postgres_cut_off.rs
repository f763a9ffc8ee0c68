//! One node alone cannot reach PostgreSQL: its connections end, and new ones are refused.

use tokio::time::Instant;

use crate::failure::Outcome;
use crate::load::Size;
use crate::proxy::Proxy;
use crate::stage::Stage;
use crate::world::Plan;

pub(crate) const FAULT: &str = "one node cut off from PostgreSQL";
pub(crate) const EXPECTED: &str = "it answers 503 and is not healthy, the other serves; back in 5 s";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2)).await?;
    let load = world.load(Size::default())?;
    for _ in 0..stage.times(10, 2) {
        load.stored(50).await?;
        world.postgres()?.proxy(0)?.refuse();
        load.refused(10).await?;
        let health = world.healthy_as(0, "unhealthy").await?;
        stage.promise(health.status == 503, || format!("/health of the node that is cut off says {}", health.status));
        load.stored(50).await?;
        let other = world.health(1).await?;
        stage.promise(other.status == 200, || format!("/health of the other node says {}", other.status));
        world.postgres()?.proxy(0).map(Proxy::heal)?;
        stage.back(&world, &load, Instant::now()).await?;
    }
    stage.settle(&mut world, load).await
}
