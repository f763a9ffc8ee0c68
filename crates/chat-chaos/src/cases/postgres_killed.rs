//! PostgreSQL's first process is killed, and comes back a while later.

use crate::cases::outage;
use crate::failure::Outcome;
use crate::postgres::Postgres;
use crate::stage::Stage;

pub(crate) const FAULT: &str = "PostgreSQL killed (`kill -9`), and started again";
pub(crate) const EXPECTED: &str = outage::EXPECTED;

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    let kill = async |server: &mut Postgres| {
        server.kill();
        Ok(())
    };
    outage::of_postgres(stage, kill).await
}
