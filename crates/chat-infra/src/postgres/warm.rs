//! Connections that are open, and know the statements of the hot paths, before a request needs them.
//!
//! To open one takes three round trips and more, and to prepare a statement another, each after the other. Where the server
//! is far or slow, that is most of the time that a request has.

use std::time::Duration;

use chat_domain::error::RepositoryError;
use futures_util::future::join_all;

use super::error::{Failure, Loss};
use super::lease::Lease;
use super::message;
use super::pool::PgPool;
use super::revision::{self, RevisionRow};

/// What a server is given that is so slow that a round trip takes nearly a second.
const TIME: Duration = Duration::from_secs(15);

/// Opens so many connections at once and has each prepare the hot statements. Each is given back as soon as it has.
pub(super) async fn warm(pool: &PgPool, connections: usize) -> Result<(), RepositoryError> {
    let leases = pool.lease_many(connections, TIME).await?;
    let prepared = join_all(leases.into_iter().map(prepare)).await;
    Ok(prepared.into_iter().collect::<Result<(), Failure>>()?)
}

async fn prepare(mut lease: Lease) -> Result<(), Failure> {
    let _: Vec<RevisionRow> = lease.load("prepare revisions", revision::statement(&[]), Loss::Nothing).await?;
    message::prepare(&mut lease).await
}
