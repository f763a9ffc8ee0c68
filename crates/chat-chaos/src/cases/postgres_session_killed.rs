//! The server ends the service's connections, some politely and some by a crash of their process.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::failure::{Failure, Outcome};
use crate::load::Size;
use crate::postgres::Postgres;
use crate::stage::Stage;
use crate::wait::until;
use crate::world::Plan;

pub(crate) const FAULT: &str = "a process of PostgreSQL killed: by `pg_terminate_backend`, and by `kill -9`";
pub(crate) const EXPECTED: &str = "at most a 503; back in 5 s without a restart";

/// Processes are gone, and a server that recovers is, within this time.
const PATIENCE: Duration = Duration::from_mins(1);
const SESSIONS: &str = "SELECT pid FROM pg_stat_activity WHERE application_name = 'chat-service'";

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut world = stage.world(Plan::nodes(2)).await?;
    let load = world.load(Size::default())?;
    for round in 0..stage.times(20, 2) {
        load.stored(50).await?;
        let unwell = load.tally().harmed();
        let server = &world.postgres()?.server;
        let before = sessions(server).await?;
        if round % 2 == 0 {
            terminate(server).await?;
        } else {
            crash(&before)?;
            // The server ends all processes and recovers, which no client can miss.
            load.until("a client to notice a crash", |tally| tally.harmed() > unwell).await?;
        }
        gone(server, &before).await?;
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

/// The processes that serve the service.
async fn sessions(server: &Postgres) -> Outcome<Vec<i32>> {
    let rows = server.admin("postgres").await?.query(SESSIONS, &[]).await?;
    rows.iter().map(|row| row.try_get(0).map_err(Failure::from)).collect()
}

/// Waits until none of these processes is left, which is when the fault has struck.
async fn gone(server: &Postgres, before: &[i32]) -> Outcome {
    until("the processes to be gone", PATIENCE, async || {
        // A server that recovers takes no statements yet.
        let now = sessions(server).await;
        Ok(now.is_ok_and(|now| before.iter().all(|pid| !now.contains(pid))))
    })
    .await
}

/// Kills one process, after which the server ends all others and recovers.
fn crash(sessions: &[i32]) -> Outcome {
    let pid = sessions.first().copied().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Failure::other("the service had no connection to lose"))?;
    kill_process(pid, Signal::KILL).map_err(|error| Failure::io("a process of PostgreSQL")(error.into()))
}
