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

    fn note(&self, call: &'static str) {
        self.calls.lock().unwrap().push(call);
    }
}

#[async_trait]
impl SessionRepository for Counted {
    async fn create(&self, new: NewSession) -> Result<CreateOutcome, RepositoryError> {
        self.note("sessions.create");
        self.store.sessions.create(new).await
    }

    async fn find(&self, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, RepositoryError> {
        self.note("sessions.find");
        self.store.sessions.find(tenant, id).await
    }

    async fn list_of_user(&self, tenant: &TenantId, query: &UserSessions) -> Result<Arc<SessionPage>, RepositoryError> {
        self.note("sessions.list_of_user");
        self.store.sessions.list_of_user(tenant, query).await
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: SessionId,
        update: SessionUpdate,
    ) -> Result<UpdateOutcome, RepositoryError> {
        self.note("sessions.update");
        self.store.sessions.update(tenant, id, update).await
    }
}

#[async_trait]
impl MessageRepository for Counted {
    async fn append(&self, batch: Vec<NewMessage>) -> Result<Vec<AppendOutcome>, RepositoryError> {
        self.note("messages.append");
        self.store.messages.append(batch).await
    }

    async fn find(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError> {
        self.note("messages.find");
        self.store.messages.find(tenant, id).await
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: MessageId,
        removal: Removal,
    ) -> Result<RemoveOutcome, RepositoryError> {
        self.note("messages.remove");
        self.store.messages.remove(tenant, id, removal).await
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
        self.note("pages.page");
        self.store.pages.page(tenant, session, query).await
    }
}

#[async_trait]
impl AuditRepository for Counted {
    async fn list(&self, tenant: &TenantId, query: &AuditQuery) -> Result<AuditPage, RepositoryError> {
        self.note("audit.list");
        self.store.audit.list(tenant, query).await
    }

    async fn forget_before(&self, time: Timestamp) -> Result<u64, RepositoryError> {
        self.note("audit.forget_before");
        self.store.audit.forget_before(time).await
    }
}
