//! PostgreSQL is stopped in good order and started again, as for an upgrade.

use crate::cases::outage;
use crate::failure::Outcome;
use crate::postgres::Postgres;
use crate::stage::Stage;

pub(crate) const FAULT: &str = "PostgreSQL restarted";
pub(crate) const EXPECTED: &str = outage::EXPECTED;

pub(crate) async fn run(stage: &mut Stage) -> Outcome {
    outage::of_postgres(stage, Postgres::stop).await
}
