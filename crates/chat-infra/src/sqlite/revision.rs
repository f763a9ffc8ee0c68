//! How far sessions have come: what the process remembers of its own writes, and else what the file says.

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::message::Since;
use chat_domain::revision::{Rev, Revision};
use chat_domain::session::{News, RevisionSource, SessionKey};
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;

use super::SqliteStore;
use super::changes::Memory;
use super::error::{read_failed, unreadable};
use super::known::Moment;
use super::message::changes::changes;
use super::schema::sessions;
use super::store::Threads;
use super::traced::shown;
use super::value::StoredUuid;
use crate::operation::{Observed, Operation};

/// The revisions of the sessions of an SQLite store. Those of sessions that were lately written or asked for are known
/// without a way to another thread.
pub struct SqliteRevisions {
    threads: Observed<Threads>,
    memory: Memory,
}

impl SqliteRevisions {
    /// The revisions of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { threads: store.observed.clone(), memory: store.memory.clone() }
    }
}

#[async_trait]
impl RevisionSource for SqliteRevisions {
    async fn revs(&self, keys: Vec<SessionKey>) -> Result<Vec<Option<Revision>>, RepositoryError> {
        let known: Vec<_> = keys.iter().map(|key| self.memory.revision(key)).collect();
        if known.iter().all(Result::is_ok) {
            return Ok(known.into_iter().map(Result::ok).collect());
        }
        let unknown = keys.into_iter().zip(&known).filter(|(_, known)| known.is_err()).map(|(key, _)| key);
        let mut read = self.read(unknown.collect()).await?.into_iter();
        let revision = |known: Result<Revision, Moment>| match known {
            Ok(revision) => Some(revision),
            Err(since) => {
                let (key, revision) = read.next()?;
                revision.inspect(|&revision| self.memory.learn_revision(key, revision, since))
            }
        };
        Ok(known.into_iter().map(revision).collect())
    }

    async fn news(&self, sessions: Vec<SessionKey>, since: Vec<Since>) -> Result<News, RepositoryError> {
        let revisions = self.revs(sessions).await?;
        let call = Operation::RevisionsRead.of(since.len());
        let read = move |connection: &mut _| changes(connection, &since);
        Ok(News { revisions, changes: self.threads.run(call, |to| to.readers.read(read)).await? })
    }
}

impl SqliteRevisions {
    /// Reads the revisions of sessions, in their order.
    async fn read(&self, keys: Vec<SessionKey>) -> Result<Vec<(SessionKey, Option<Revision>)>, RepositoryError> {
        let call = Operation::RevisionsRead.of(keys.len());
        let read = move |connection: &mut _| {
            let revision = |key: &SessionKey| Ok((key.clone(), revision(connection, key)?));
            keys.iter().map(revision).collect()
        };
        self.threads.run(call, |to| to.readers.read(read)).await
    }
}

fn revision(connection: &mut SqliteConnection, key: &SessionKey) -> Result<Option<Revision>, RepositoryError> {
    let _shown = shown("read revision");
    let found = sessions::table
        .filter(sessions::tenant_id.eq(key.tenant_id.as_str()))
        .filter(sessions::id.eq(StoredUuid(key.id.as_uuid())))
        .select((sessions::rev, sessions::updated_at))
        .get_result::<(i64, i64)>(connection)
        .optional()
        .map_err(|error| read_failed("session", error))?;
    let Some((rev, updated_at)) = found else { return Ok(None) };
    let updated_at = Timestamp::from_micros(updated_at).map_err(|error| unreadable("session")(error.into()))?;
    Ok(Some(Revision { rev: Rev::new(rev), updated_at }))
}
