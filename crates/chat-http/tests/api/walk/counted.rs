//! A store that keeps count of what it is asked.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chat_domain::audit::{AuditPage, AuditQuery, AuditRepository};
use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, SessionId, TenantId};
use chat_domain::message::{
    AppendOutcome, Message, MessagePage, MessagePages, MessageRepository, NewMessage, PageQuery, Removal, RemoveOutcome,
};
use chat_domain::session::{
    CreateOutcome, NewSession, Session, SessionPage, SessionRepository, SessionUpdate, UpdateOutcome, UserSessions,
};
use chat_domain::testing::fake::FakeStore;
use chat_domain::testing::rig::Store;
use chat_domain::timestamp::Timestamp;

use crate::server::Parts;

/// A fake store, and the names of the methods that were called on it.
#[derive(Clone)]
pub(super) struct Counted {
    store: Store,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl Counted {
    pub(super) fn new() -> Self {
        Self { store: FakeStore::new().store(), calls: Arc::default() }
    }

    /// What a server is made of that stands on this store.
    pub(super) fn parts(&self) -> Parts {
        let store = Arc::new(self.clone());
        Parts {
            sessions: store.clone(),
            messages: store.clone(),
            pages: store.clone(),
            audit: store,
            ..Parts::default()
        }
    }

    /// What was called since this was asked last.
    pub(super) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

/// Calls a method of the store, and notes its name.
macro_rules! noted {
    ($counted:ident.$port:ident.$method:ident($($argument:expr),*)) => {{
        $counted.calls.lock().unwrap().push(concat!(stringify!($port), ".", stringify!($method)));
        $counted.store.$port.$method($($argument),*).await
    }};
}

#[async_trait]
impl SessionRepository for Counted {
    async fn create(&self, new: NewSession) -> Result<CreateOutcome, RepositoryError> {
        noted!(self.sessions.create(new))
    }

    async fn find(&self, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, RepositoryError> {
        noted!(self.sessions.find(tenant, id))
    }

    async fn list_of_user(&self, tenant: &TenantId, query: &UserSessions) -> Result<Arc<SessionPage>, RepositoryError> {
        noted!(self.sessions.list_of_user(tenant, query))
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: SessionId,
        update: SessionUpdate,
    ) -> Result<UpdateOutcome, RepositoryError> {
        noted!(self.sessions.update(tenant, id, update))
    }
}

#[async_trait]
impl MessageRepository for Counted {
    async fn append(&self, batch: Vec<NewMessage>) -> Result<Vec<AppendOutcome>, RepositoryError> {
        noted!(self.messages.append(batch))
    }

    async fn find(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError> {
        noted!(self.messages.find(tenant, id))
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: MessageId,
        removal: Removal,
    ) -> Result<RemoveOutcome, RepositoryError> {
        noted!(self.messages.remove(tenant, id, removal))
    }
}

#[async_trait]
impl MessagePages for Counted {
    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<Arc<MessagePage>>, RepositoryError> {
        noted!(self.pages.page(tenant, session, query))
    }
}

#[async_trait]
impl AuditRepository for Counted {
    async fn list(&self, tenant: &TenantId, query: &AuditQuery) -> Result<AuditPage, RepositoryError> {
        noted!(self.audit.list(tenant, query))
    }

    async fn forget_before(&self, time: Timestamp) -> Result<u64, RepositoryError> {
        noted!(self.audit.forget_before(time))
    }
}
