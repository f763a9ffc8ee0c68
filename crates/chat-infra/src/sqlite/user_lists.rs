//! Lists of users' sessions that were read, for as long as nothing in them changed.

use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use chat_domain::id::TenantId;
use chat_domain::session::{SeenSession, Session, SessionPage, UserSessions};
use foldhash::fast::RandomState;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::changes::{Memory, Stamp};

/// The lists, bounded by their bytes; what was used least recently goes first. A clone is a handle on the same lists.
///
/// A list has no `rev` that the store could be asked for. But this process is the only one that writes, so it knows since
/// when nothing of a user changed: a list is kept with the [`Stamp`] of the user's sessions that stood before it was read,
/// and is given out only while that still stands.
#[derive(Clone)]
pub(super) struct UserLists {
    lists: Cache<Question, (Stamp, Arc<SessionPage>), RandomState>,
    memory: Memory,
}

type Question = (TenantId, UserSessions);

/// Where a list that is read now may be kept: nowhere while the user's sessions change.
pub(super) struct Place(Option<(Question, Stamp)>);

impl UserLists {
    /// Keeps so many bytes of lists, each for so long.
    pub(super) fn new(max_bytes: u64, ttl: Duration, memory: Memory) -> Self {
        let lists = Cache::builder()
            .max_capacity(max_bytes)
            .time_to_live(ttl)
            .weigher(|_: &Question, (_, page): &(Stamp, Arc<SessionPage>)| weight(page))
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(RandomState::default());
        Self { lists, memory }
    }

    /// The list as it is now; else where it may be kept once it is read.
    pub(super) fn look(&self, tenant: &TenantId, query: &UserSessions) -> Result<Arc<SessionPage>, Place> {
        let Some(stamp) = self.memory.stamp(&(tenant.clone(), query.user_id.clone())) else { return Err(Place(None)) };
        let question = (tenant.clone(), query.clone());
        match self.lists.get(&question) {
            Some((kept, page)) if kept == stamp => Ok(page),
            _ => Err(Place(Some((question, stamp)))),
        }
    }

    /// Keeps a list that was read after [`look`](Self::look) gave the place.
    pub(super) fn keep(&self, place: Place, page: &Arc<SessionPage>) {
        if let Place(Some((question, stamp))) = place {
            self.lists.insert(question, (stamp, Arc::clone(page)));
        }
    }
}

/// About what a list takes of the memory, in bytes.
fn weight(page: &SessionPage) -> u32 {
    let texts = |session: &Session| session.user_id.as_str().len() + session.metadata.as_str().len();
    let sessions: usize = page.sessions.iter().map(|seen| size_of::<SeenSession>() + texts(&seen.session)).sum();
    let entry = size_of::<Question>() + size_of::<SessionPage>();
    u32::try_from(entry + sessions).unwrap_or(u32::MAX)
}
