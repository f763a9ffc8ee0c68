//! The service is killed in the middle of its work, again and again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::failure::Outcome;
use crate::load::Size;
use crate::stage::Stage;
use crate::world::Plan;

pub(crate) const FAULT: &str = "`kill -9` of the service under load (50 times)";
pub(crate) const EXPECTED: &str = "nothing acknowledged is lost, ready again in 5 s";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(1)).await?;
    let load = world.load(Size { writers: 8, pause: Duration::from_millis(2), ..Size::default() })?;
    let kills = stage.times(50, 4);
    for round in 0..kills {
        load.stored(30).await?;
        // Now young, now older, and never at the same point of a batch.
        sleep(Duration::from_millis(7 * (round as u64 % 11))).await;
        world.first()?.kill();
        let killed = Instant::now();
        world.first()?.start().await?;
        stage.back(&world, &load, killed).await?;
    }
    stage.note(format!("{kills} kills"));
    stage.settle(&mut world, load).await
}
