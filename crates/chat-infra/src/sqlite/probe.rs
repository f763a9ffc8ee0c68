//! Whether the store can be read and written.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::health::Probe;
use diesel::prelude::*;
use uuid::Uuid;

use super::SqliteStore;
use super::error::failed;
use super::reader::Readers;
use super::schema::sessions;
use super::value::StoredUuid;
use super::writer::Writer;

/// Looks into a table and takes the write lock; nothing is written.
pub struct SqliteProbe {
    readers: Readers,
    writer: Writer,
}

impl SqliteProbe {
    /// A probe of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { readers: store.readers.clone(), writer: store.writer.clone() }
    }
}

#[async_trait]
impl Probe for SqliteProbe {
    async fn check(&self) -> Result<(), RepositoryError> {
        self.readers.read(touch).await?;
        self.writer.write(touch).await
    }
}

/// Looks for a session that cannot be. The transaction around it is what takes the lock on the writer.
fn touch(connection: &mut SqliteConnection) -> Result<(), RepositoryError> {
    let nobody = sessions::table.find(("", StoredUuid(Uuid::nil()))).select(sessions::rev);
    nobody.first::<i64>(connection).optional().map(drop).map_err(failed)
}
