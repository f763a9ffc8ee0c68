//! What the transaction under way changes, noted where it is written, and told to all once it is committed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chat_domain::id::{ParticipantId, TenantId};
use chat_domain::revision::Revision;
use chat_domain::session::{Session, SessionKey};

use super::known::{Known, Moment};

/// So many sessions are remembered; some megabytes.
const SESSIONS: usize = 32_768;
/// And so many users.
const USERS: usize = 16_384;

thread_local! {
    /// What the writer's transaction has changed so far. The writer is one thread, and does all its work on it.
    static NOTED: RefCell<Noted> = RefCell::new(Noted::new());
}

type Noted = HashMap<SessionKey, (ParticipantId, Revision)>;

/// Notes that the transaction under way has given a user's session this revision. To be called by whatever writes a row
/// of sessions.
pub(super) fn note(session: SessionKey, user: ParticipantId, revision: Revision) {
    NOTED.with_borrow_mut(|noted| noted.insert(session, (user, revision)));
}

/// Notes that the transaction under way writes this state of a session.
pub(super) fn note_session(session: &Session) {
    let key = SessionKey { tenant_id: session.tenant_id.clone(), id: session.id };
    note(key, session.user_id.clone(), session.revision());
}

/// A user of a tenant.
pub(super) type UserKey = (TenantId, ParticipantId);

/// Stands for a state of all sessions of a user. Never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u64);

/// What is known of sessions and users without reading the file. A clone is a handle on the same knowledge.
#[derive(Clone)]
pub(super) struct Memory(Arc<Kept>);

struct Kept {
    revisions: Known<SessionKey, Revision>,
    users: Known<UserKey, Stamp>,
    stamps: AtomicU64,
}

impl Memory {
    pub(super) fn new() -> Self {
        let (revisions, users) = (Known::new(SESSIONS), Known::new(USERS));
        Self(Arc::new(Kept { revisions, users, stamps: AtomicU64::new(0) }))
    }

    /// How far the session has come; where that is not known, since when a read of it may be
    /// [learnt](Self::learn_revision).
    pub(super) fn revision(&self, session: &SessionKey) -> Result<Revision, Moment> {
        self.0.revisions.look(session)
    }

    /// Takes a revision that was read after the moment.
    pub(super) fn learn_revision(&self, session: SessionKey, revision: Revision, since: Moment) {
        self.0.revisions.learn(session, revision, since);
    }

    /// The stamp of the present state of a user's sessions: what is read from now on is of that state for as long as the
    /// stamp stays. `None` while it changes.
    pub(super) fn stamp(&self, user: &UserKey) -> Option<Stamp> {
        let since = match self.0.users.look(user) {
            Ok(stamp) => return Some(stamp),
            Err(since) => since,
        };
        let stamp = Stamp(self.0.stamps.fetch_add(1, Ordering::Relaxed));
        self.0.users.learn(user.clone(), stamp, since).then_some(stamp)
    }

    /// Forgets what another transaction on this thread has noted and not committed.
    pub(super) fn begin() {
        NOTED.with_borrow_mut(Noted::clear);
    }

    /// To be called before the commit of what was noted on this thread. From now on, and until the result is dropped,
    /// nothing of that is known.
    pub(super) fn commit(&self) -> Committing<'_> {
        let noted = NOTED.take();
        for (session, (user, _)) in &noted {
            self.0.revisions.begin(session);
            self.0.users.begin(&(session.tenant_id.clone(), user.clone()));
        }
        Committing { kept: &self.0, noted, committed: false }
    }
}

/// A commit under way.
pub(super) struct Committing<'k> {
    kept: &'k Kept,
    noted: Noted,
    committed: bool,
}

impl Committing<'_> {
    /// It went well: what was noted is known from now on.
    pub(super) fn done(mut self) {
        self.committed = true;
    }
}

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        for (session, (user, revision)) in self.noted.drain() {
            self.kept.users.end((session.tenant_id.clone(), user), None);
            self.kept.revisions.end(session, self.committed.then_some(revision));
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_domain::revision::Rev;
    use chat_domain::testing::builder::a_session;

    use super::*;

    fn key(session: &Session) -> SessionKey {
        SessionKey { tenant_id: session.tenant_id.clone(), id: session.id }
    }

    fn note_rev(session: &Session, rev: i64) -> Revision {
        let revision = Revision { rev: Rev::new(rev), updated_at: session.updated_at };
        note(key(session), session.user_id.clone(), revision);
        revision
    }

    #[test]
    fn what_is_noted_is_known_once_it_is_committed_and_not_before() {
        let (memory, session) = (Memory::new(), a_session().to_session());
        let revision = note_rev(&session, 2);
        assert!(memory.revision(&key(&session)).is_err());
        let committing = memory.commit();
        assert!(memory.revision(&key(&session)).is_err());
        committing.done();
        assert_eq!(memory.revision(&key(&session)), Ok(revision));
    }

    #[test]
    fn a_commit_that_failed_leaves_nothing_known() {
        let (memory, session) = (Memory::new(), a_session().to_session());
        note_rev(&session, 2);
        memory.commit().done();
        note_rev(&session, 3);
        drop(memory.commit());
        assert!(memory.revision(&key(&session)).is_err());
    }

    #[test]
    fn what_was_rolled_back_is_not_told_with_the_next_commit() {
        let (memory, session) = (Memory::new(), a_session().to_session());
        note_rev(&session, 2);
        Memory::begin();
        memory.commit().done();
        assert!(memory.revision(&key(&session)).is_err());
    }

    #[test]
    fn a_stamp_stays_until_one_of_the_users_sessions_changes() {
        let (memory, session) = (Memory::new(), a_session().to_session());
        let user = (session.tenant_id.clone(), session.user_id.clone());
        let before = memory.stamp(&user).unwrap();
        assert_eq!(memory.stamp(&user), Some(before));
        note_rev(&session, 2);
        let committing = memory.commit();
        assert_eq!(memory.stamp(&user), None);
        committing.done();
        let after = memory.stamp(&user).unwrap();
        assert_ne!(after, before);
        assert_eq!(memory.stamp(&user), Some(after));
    }
}
