//! How far sessions have come, read from the file itself.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::revision::Rev;
use chat_domain::session::{RevisionSource, SessionKey};
use diesel::prelude::*;

use super::SqliteStore;
use super::error::read_failed;
use super::reader::Readers;
use super::schema::sessions;
use super::value::StoredUuid;

/// The `rev`s of the sessions of an SQLite store.
pub struct SqliteRevisions {
    readers: Readers,
}

impl SqliteRevisions {
    /// The `rev`s of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { readers: store.readers.clone() }
    }
}

#[async_trait]
impl RevisionSource for SqliteRevisions {
    async fn revs(&self, keys: Vec<SessionKey>) -> Result<Vec<Option<Rev>>, RepositoryError> {
        self.readers.read(move |connection| keys.iter().map(|key| rev(connection, key)).collect()).await
    }
}

fn rev(connection: &mut SqliteConnection, key: &SessionKey) -> Result<Option<Rev>, RepositoryError> {
    let rev = sessions::table
        .filter(sessions::tenant_id.eq(key.tenant_id.as_str()))
        .filter(sessions::id.eq(StoredUuid(key.id.as_uuid())))
        .select(sessions::rev)
        .first(connection)
        .optional()
        .map_err(|error| read_failed("session", error))?;
    Ok(rev.map(Rev::new))
}
