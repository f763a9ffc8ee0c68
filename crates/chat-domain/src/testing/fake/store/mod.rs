//! A whole store in memory, under one lock: what the real ones do with transactions it does by itself.

mod attachment;
mod audit;
mod edit;
mod extension;
mod key;
mod message;
mod participant;
mod session;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use self::attachment::StoredAttachment;
use self::extension::Made;
use self::key::Keys;
use crate::attachment::FileKey;
use crate::audit::AuditEntry;
use crate::deadline;
use crate::error::RepositoryError;
use crate::id::{ExtensionId, MessageId, SessionId, TenantId};
use crate::message::{Message, TextEdit};
use crate::participant::{Participant, Reader};
use crate::session::{Session, SessionKey};
use crate::testing::rig::Store;
use crate::timestamp::Timestamp;

/// A store in memory that keeps every promise of the ports. A clone is a handle on the same store.
#[derive(Clone, Default)]
pub struct FakeStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    sessions: BTreeMap<SessionKey, StoredSession>,
    places: HashMap<(TenantId, MessageId), Place>,
    message_keys: Keys<MessageId>,
    session_keys: Keys<SessionId>,
    extension_keys: Keys<ExtensionId>,
    /// Who made which extension, and what is unique about it.
    makers: HashMap<(TenantId, ExtensionId), Made>,
    restore_keys: Keys<MessageId>,
    receipt_keys: Keys<()>,
    edits: HashMap<(TenantId, MessageId), Vec<TextEdit>>,
    attachments: BTreeMap<FileKey, StoredAttachment>,
    audit: Vec<AuditEntry>,
    damaged: HashSet<(TenantId, MessageId)>,
}

/// A session and all its messages in the order of `seq`, the deleted ones with what they said.
struct StoredSession {
    session: Session,
    messages: Vec<Message>,
    participants: BTreeMap<Reader, Participant>,
}

#[derive(Clone, Copy)]
struct Place {
    session: SessionId,
    index: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("the row was damaged on purpose")]
struct DamagedOnPurpose;

#[derive(Debug, thiserror::Error)]
#[error("the id was given before")]
struct IdGivenBefore;

#[derive(Debug, thiserror::Error)]
#[error("the deadline has passed")]
struct TooLate;

impl FakeStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Its ports.
    #[must_use]
    pub fn store(&self) -> Store {
        let store = Arc::new(self.clone());
        Store {
            sessions: store.clone(),
            messages: store.clone(),
            pages: store.clone(),
            extensions: store.clone(),
            idempotency: store.clone(),
            attachments: store.clone(),
            audit: store.clone(),
            participants: store.clone(),
            unread: store.clone(),
            revisions: store,
        }
    }

    /// Makes a message unreadable: from now on whoever reads it gets [`RepositoryError::Corrupt`].
    pub fn damage_message(&self, tenant: &TenantId, id: MessageId) {
        self.lock().damaged.insert((tenant.clone(), id));
    }

    /// The lock, for an operation that still has time.
    fn open(&self) -> Result<MutexGuard<'_, State>, RepositoryError> {
        let now = Instant::now();
        match deadline::end(now) {
            Some(end) if end <= now => Err(RepositoryError::unavailable(TooLate)),
            _ => Ok(self.lock()),
        }
    }

    /// A test that fails while it holds the lock says so itself; the others need not fail for that.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn session(&self, tenant: &TenantId, id: SessionId) -> Option<&StoredSession> {
        self.sessions.get(&session_key(tenant, id))
    }

    fn session_mut(&mut self, tenant: &TenantId, id: SessionId) -> Option<&mut StoredSession> {
        self.sessions.get_mut(&session_key(tenant, id))
    }

    /// The message with what it said, deleted or not.
    fn message(&self, tenant: &TenantId, id: MessageId) -> Result<Option<&Message>, RepositoryError> {
        self.check_readable(tenant, id)?;
        let place = self.places.get(&(tenant.clone(), id));
        Ok(place.and_then(|place| self.session(tenant, place.session)?.messages.get(place.index)))
    }

    /// The message, and the session that moves on with it.
    fn message_mut(
        &mut self,
        tenant: &TenantId,
        id: MessageId,
    ) -> Result<Option<(&mut Session, &mut Message)>, RepositoryError> {
        self.check_readable(tenant, id)?;
        let Some(place) = self.places.get(&(tenant.clone(), id)).copied() else { return Ok(None) };
        let stored = self.session_mut(tenant, place.session);
        Ok(stored.and_then(|stored| Some((&mut stored.session, stored.messages.get_mut(place.index)?))))
    }

    fn check_readable(&self, tenant: &TenantId, id: MessageId) -> Result<(), RepositoryError> {
        if self.damaged.contains(&(tenant.clone(), id)) {
            return Err(RepositoryError::corrupt("message", DamagedOnPurpose));
        }
        Ok(())
    }
}

fn session_key(tenant: &TenantId, id: SessionId) -> SessionKey {
    SessionKey { tenant_id: tenant.clone(), id }
}

/// A change to something in the session takes the session's next `rev`.
fn move_on(session: &mut Session, at: Timestamp) {
    session.rev = session.rev.next();
    session.updated_at = session.updated_at.moved_on(at);
}
