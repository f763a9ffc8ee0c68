//! PostgreSQL's first process is killed, and comes back a while later.

use tokio::time::Instant;

use crate::cases::outage;
use crate::failure::Outcome;
use crate::load::Size;
use crate::stage::Stage;
use crate::world::Plan;

pub(crate) const FAULT: &str = "PostgreSQL killed (`kill -9`), and started again";
pub(crate) const EXPECTED: &str = "503 with `Retry-After` within 9 s, live, not healthy; back in 5 s without a restart";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2)).await?;
    let load = world.load(Size::default())?;
    for _ in 0..stage.times(10, 1) {
        load.stored(50).await?;
        world.postgres()?.server.kill();
        load.refused(20).await?;
        outage::is_told(stage, &world).await?;
        world.postgres()?.server.start().await?;
        stage.back(&world, &load, Instant::now()).await?;
    }
    stage.settle(&mut world, load).await
}
