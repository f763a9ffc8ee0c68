//! The server ends the service's connections, some politely and some by a crash of their process.

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::failure::{Failure, Outcome};
use crate::load::Size;
use crate::postgres::Postgres;
use crate::stage::Stage;
use crate::world::Plan;

pub(crate) const FAULT: &str = "a process of PostgreSQL killed: by `pg_terminate_backend`, and by `kill -9`";
pub(crate) const EXPECTED: &str = "at most a 503; back in 5 s without a restart";

const SESSIONS: &str = "SELECT pid FROM pg_stat_activity WHERE application_name = 'chat-service'";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2)).await?;
    let load = world.load(Size::default())?;
    for round in 0..stage.times(20, 4) {
        load.stored(50).await?;
        let server = &world.postgres()?.server;
        if round % 2 == 0 {
            terminate(server).await?;
        } else {
            crash(server).await?;
        }
        stage.back(&world, &load, Instant::now()).await?;
    }
    stage.settle(&mut world, load).await
}

/// Ends all of the service's connections.
pub(super) async fn terminate(server: &Postgres) -> Outcome {
    let ended = format!("SELECT pg_terminate_backend(pid) FROM ({SESSIONS}) AS service");
    let ended = server.admin("postgres").await?.query(&ended, &[]).await?;
    if ended.is_empty() { Err(Failure::other("the service had no connection to lose")) } else { Ok(()) }
}

/// Kills one process, after which the server ends all others and recovers.
async fn crash(server: &Postgres) -> Outcome {
    let sessions = server.admin("postgres").await?.query(SESSIONS, &[]).await?;
    let pid = sessions.first().map(|row| row.try_get::<_, i32>(0)).transpose()?.and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Failure::other("the service had no connection to lose"))?;
    kill_process(pid, Signal::KILL).map_err(|error| Failure::io("a process of PostgreSQL")(error.into()))
}
