//! How far sessions have come, read from the file itself.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::revision::{Rev, Revision};
use chat_domain::session::{RevisionSource, SessionKey};
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;

use super::SqliteStore;
use super::error::{read_failed, unreadable};
use super::reader::Readers;
use super::schema::sessions;
use super::value::StoredUuid;

/// The revisions of the sessions of an SQLite store.
pub struct SqliteRevisions {
    readers: Readers,
}

impl SqliteRevisions {
    /// The revisions of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { readers: store.readers.clone() }
    }
}

#[async_trait]
impl RevisionSource for SqliteRevisions {
    async fn revs(&self, keys: Vec<SessionKey>) -> Result<Vec<Option<Revision>>, RepositoryError> {
        self.readers.read(move |connection| keys.iter().map(|key| revision(connection, key)).collect()).await
    }
}

fn revision(connection: &mut SqliteConnection, key: &SessionKey) -> Result<Option<Revision>, RepositoryError> {
    let found = sessions::table
        .filter(sessions::tenant_id.eq(key.tenant_id.as_str()))
        .filter(sessions::id.eq(StoredUuid(key.id.as_uuid())))
        .select((sessions::rev, sessions::updated_at))
        .first::<(i64, i64)>(connection)
        .optional()
        .map_err(|error| read_failed("session", error))?;
    let Some((rev, updated_at)) = found else { return Ok(None) };
    let updated_at = Timestamp::from_micros(updated_at).map_err(|error| unreadable("session")(error.into()))?;
    Ok(Some(Revision { rev: Rev::new(rev), updated_at }))
}
