//! The service is asked to end while clients are busy on connections that they keep.
//!
//! By turns, clients go elsewhere as soon as the node says that it is not ready, as a balancer makes them: then not one of
//! their requests may fail, those included that take longer than the node still takes connections. Or they do not care:
//! then connections that nobody has accepted yet end with the listening socket, but nothing acknowledged may be lost.

use std::time::Duration;

use tokio::time::Instant;

use crate::case::Store;
use crate::client::Request;
use crate::failure::Outcome;
use crate::load::{Load, Size};
use crate::proxy::{Flow, Proxy};
use crate::stage::Stage;
use crate::wait::until;
use crate::world::{Plan, World};

pub(crate) const FAULT: &str = "SIGTERM under load, on connections that are kept";
pub(crate) const EXPECTED: &str = "not ready at once, what is in flight is answered, nothing is lost, exit 0 in 25 s";

const PATIENCE: Duration = Duration::from_mins(1);
/// `SHUTDOWN_TIMEOUT_S`, as it is where nobody sets it.
const TIMEOUT: Duration = Duration::from_secs(25);
/// One way to the store, so that requests go on for longer than `SHUTDOWN_DELAY_S`.
const SLOW: Flow = Flow::Delay(Duration::from_millis(400));

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(1)).await?;
    // Over the slow way a deletion, of six round trips, would take as long as a request may.
    let deletes = stage.store() == Store::Sqlite;
    let pause = Duration::from_millis(1);
    let load = world.load(Size { writers: 16, readers: 8, pause, deletes, ..Size::default() })?;
    let mut longest = Duration::ZERO;
    for round in 0..stage.times(20, 3) {
        load.stored(50).await?;
        if stage.store() == Store::Postgres && round % 4 == 2 {
            world.postgres()?.each(|proxy| proxy.set(SLOW, SLOW));
        }
        let asked = Instant::now();
        world.first()?.terminate()?;
        end(stage, &mut world, &load, round % 2 == 0).await?;
        longest = longest.max(asked.elapsed());
        if stage.store() == Store::Postgres {
            world.postgres()?.each(Proxy::heal);
        }
        let start = Instant::now();
        world.first()?.start().await?;
        stage.back(&world, &load, start).await?;
    }
    stage.promise(longest < TIMEOUT, || format!("the longest end took {longest:.1?}"));
    stage.note(format!("longest end {longest:.1?}"));
    stage.settle(&mut world, load).await
}

/// The node ends well; its clients go elsewhere in time, or do not care.
async fn end(stage: &mut Stage, world: &mut World, load: &Load, balanced: bool) -> Outcome {
    let address = world.address(0)?;
    let before = load.tally().harmed();
    until("readiness to end", PATIENCE, async || {
        let answer = world.client.ask(&address, &Request::get("/health/ready")).await;
        Ok(answer.map_or(true, |answer| answer.status == 503))
    })
    .await?;
    if balanced {
        world.first()?.hide();
    }
    let status = world.first()?.end(PATIENCE).await?;
    stage.promise(status.success(), || format!("it ended with {status}"));
    if balanced {
        let harmed = load.tally().harmed() - before;
        stage.promise(harmed == 0, || format!("{harmed} requests that were in flight came to nothing"));
    }
    Ok(())
}
