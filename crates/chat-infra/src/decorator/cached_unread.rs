//! What is unread is not counted again while nothing happens in its session.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::participant::{Reader, Unread, UnreadCounts};
use chat_domain::revision::Revision;
use chat_domain::session::SessionKey;
use foldhash::fast::RandomState;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

/// So many counts are kept: some megabytes at the most.
const COUNTS: u64 = 16_384;

/// [`UnreadCounts`] around others: the last count of each reader in each session is kept in the memory of the process, with
/// the state that it is of, and is an answer to whoever asks for just that state. One of a state that may come again with
/// another content, after a store has lost its last commits, is not kept. Everything that changes a count gives the
/// session a `rev`, so no node needs to tell another anything.
pub struct CachedUnread {
    inner: Arc<dyn UnreadCounts>,
    counts: Cache<(SessionKey, Reader), Unread, RandomState>,
}

impl CachedUnread {
    /// Keeps counts of the other, each for so long.
    #[must_use]
    pub fn new(inner: Arc<dyn UnreadCounts>, ttl: Duration) -> Self {
        let counts = Cache::builder()
            .max_capacity(COUNTS)
            .time_to_live(ttl)
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(RandomState::default());
        Self { inner, counts }
    }
}

#[async_trait]
impl UnreadCounts for CachedUnread {
    /// All that are not kept are asked for in one question.
    async fn unread(
        &self,
        reader: &Reader,
        sessions: Vec<(SessionKey, Revision)>,
    ) -> Result<Vec<Option<Unread>>, RepositoryError> {
        let mut answer = Vec::with_capacity(sessions.len());
        let mut missing = Vec::new();
        for (place, (session, present)) in sessions.into_iter().enumerate() {
            let question = (session, reader.clone());
            let kept = self.counts.get(&question).filter(|kept| kept.revision == present);
            if kept.is_none() {
                missing.push((place, question.0, present));
            }
            answer.push(kept);
        }
        if missing.is_empty() {
            return Ok(answer);
        }
        let asked = missing.iter().map(|(_, session, present)| (session.clone(), *present)).collect();
        let found = self.inner.unread(reader, asked).await?;
        for ((place, session, _), found) in missing.into_iter().zip(found) {
            if let Some(found) = found.filter(|found| found.may_be_kept) {
                self.counts.insert((session, reader.clone()), found);
            }
            if let Some(place) = answer.get_mut(place) {
                *place = found;
            }
        }
        Ok(answer)
    }
}
