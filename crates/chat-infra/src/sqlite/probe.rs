//! Whether the store can be read and written.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::health::{Probe, Pulse};
use diesel::prelude::*;
use uuid::Uuid;

use super::SqliteStore;
use super::error::failed;
use super::schema::sessions;
use super::store::Threads;
use super::traced::shown;
use super::value::StoredUuid;
use crate::operation::{Observed, Operation};

/// Looks into a table and takes the write lock; nothing is written, since that costs a sync each time. So a full disk is not
/// seen, on which reads go on: who asks for readiness must not take these away.
pub struct SqliteProbe {
    threads: Observed<Threads>,
}

impl SqliteProbe {
    /// A probe of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { threads: store.observed.clone() }
    }
}

#[async_trait]
impl Probe for SqliteProbe {
    /// There is no clock but the machine's own.
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        let probe = async |to: &Threads| {
            to.readers.read(touch).await?;
            to.writer.write(touch).await
        };
        self.threads.run(Operation::StoreProbe, probe).await.map(|()| Pulse::default())
    }
}

/// Looks for a session that cannot be. The transaction around it is what takes the lock on the writer.
fn touch(connection: &mut SqliteConnection) -> Result<(), RepositoryError> {
    let _shown = shown("probe");
    let nobody = sessions::table.find(("", StoredUuid(Uuid::nil()))).select(sessions::rev);
    nobody.get_result::<i64>(connection).optional().map(drop).map_err(failed)
}
