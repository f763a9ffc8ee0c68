//! Others have taken all of PostgreSQL's connections, and the service has lost its own.

use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Client;

use crate::cases::{outage, postgres_session_killed};
use crate::failure::{Failure, Outcome};
use crate::load::Size;
use crate::postgres::{Postgres, SERVICE};
use crate::stage::Stage;
use crate::world::Plan;

pub(crate) const FAULT: &str = "PostgreSQL's connections all taken by others";
pub(crate) const EXPECTED: &str = "503 with `Retry-After` within 9 s, live, not healthy; back in 5 s";

/// With those of two nodes and of the suite there is room for a few others.
const CONNECTIONS: usize = 30;

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let mut plan = Plan::nodes(2);
    plan.postgres.push(format!("max_connections={CONNECTIONS}"));
    let mut world = stage.world(plan).await?;
    let load = world.load(Size::default())?;
    for _ in 0..stage.times(5, 1) {
        load.stored(50).await?;
        let server = &world.postgres()?.server;
        let mut taken = Vec::new();
        let began = Instant::now();
        // The service opens connections as soon as it loses some; who is quicker has them.
        while taken.len() < CONNECTIONS && began.elapsed() < Duration::from_secs(30) {
            taken.extend(take_all(server).await);
            postgres_session_killed::terminate(server).await.ok();
            if connections_of_service(server).await? == 0 && taken_all(server).await {
                break;
            }
        }
        load.refused(20).await?;
        outage::is_told(stage, &world).await?;
        drop(taken);
        stage.back(&world, &load, Instant::now()).await?;
    }
    stage.settle(&mut world, load).await
}

/// All connections that can be had as the service's own role.
async fn take_all(server: &Postgres) -> Vec<Client> {
    let mut taken = Vec::new();
    while let Ok(client) = server.connect(SERVICE, SERVICE).await {
        taken.push(client);
    }
    taken
}

async fn taken_all(server: &Postgres) -> bool {
    server.connect(SERVICE, SERVICE).await.is_err()
}

async fn connections_of_service(server: &Postgres) -> Outcome<i64> {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'chat-service'";
    server.admin("postgres").await?.query_one(count, &[]).await?.try_get(0).map_err(Failure::from)
}
