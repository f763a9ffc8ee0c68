//! A store that keeps count of what it is asked.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chat_domain::attachment::{
    Attachment, AttachmentRepository, CommitOutcome, FileKey, NewAttachment, ReserveOutcome,
};
use chat_domain::audit::{AuditPage, AuditQuery, AuditRepository};
use chat_domain::error::RepositoryError;
use chat_domain::extension::{AddOutcome, Attached, DetachOutcome, Detachment, ExtensionRepository, NewExtension};
use chat_domain::id::{AttachmentId, ExtensionId, MessageId, SessionId, TenantId};
use chat_domain::idempotency::Idempotency;
use chat_domain::message::{
    AppendOutcome, Edit, EditOutcome, HistoryQuery, Message, MessageHistory, MessagePage, MessagePages,
    MessageRepository, NewMessage, PageQuery, Removal, RemoveOutcome, Restoration, RestoreOutcome,
};
use chat_domain::participant::{
    MarkOutcome, Participant, ParticipantRepository, Reader, Receipt, Unread, UnreadCounts,
};
use chat_domain::revision::Revision;
use chat_domain::session::{
    CreateOutcome, NewSession, Session, SessionKey, SessionPage, SessionRepository, SessionUpdate, UpdateOutcome,
    UserSessions,
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
            extensions: store.clone(),
            participants: store.clone(),
            unread: store.clone(),
            attachments: store.clone(),
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

    async fn edit(&self, tenant: &TenantId, id: MessageId, edit: Edit) -> Result<EditOutcome, RepositoryError> {
        noted!(self.messages.edit(tenant, id, edit))
    }

    async fn restore(
        &self,
        tenant: &TenantId,
        id: MessageId,
        restoration: Restoration,
    ) -> Result<RestoreOutcome, RepositoryError> {
        noted!(self.messages.restore(tenant, id, restoration))
    }

    async fn history(
        &self,
        tenant: &TenantId,
        id: MessageId,
        query: &HistoryQuery,
    ) -> Result<Option<MessageHistory>, RepositoryError> {
        noted!(self.messages.history(tenant, id, query))
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
impl ExtensionRepository for Counted {
    async fn add(&self, new: NewExtension) -> Result<AddOutcome, RepositoryError> {
        noted!(self.extensions.add(new))
    }

    async fn find(
        &self,
        tenant: &TenantId,
        message: MessageId,
        id: ExtensionId,
    ) -> Result<Option<Attached>, RepositoryError> {
        noted!(self.extensions.find(tenant, message, id))
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        message: MessageId,
        detachment: Detachment,
    ) -> Result<DetachOutcome, RepositoryError> {
        noted!(self.extensions.remove(tenant, message, detachment))
    }
}

#[async_trait]
impl ParticipantRepository for Counted {
    async fn mark(
        &self,
        tenant: &TenantId,
        session: SessionId,
        receipt: Receipt,
    ) -> Result<MarkOutcome, RepositoryError> {
        noted!(self.participants.mark(tenant, session, receipt))
    }

    async fn list(&self, tenant: &TenantId, session: SessionId) -> Result<Vec<Participant>, RepositoryError> {
        noted!(self.participants.list(tenant, session))
    }
}

#[async_trait]
impl UnreadCounts for Counted {
    async fn unread(
        &self,
        reader: &Reader,
        sessions: Vec<(SessionKey, Revision)>,
    ) -> Result<Vec<Option<Unread>>, RepositoryError> {
        noted!(self.unread.unread(reader, sessions))
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

#[async_trait]
impl AttachmentRepository for Counted {
    async fn replay(&self, tenant: &TenantId, key: Idempotency) -> Result<Option<CommitOutcome>, RepositoryError> {
        noted!(self.attachments.replay(tenant, key))
    }

    async fn reserve(&self, new: NewAttachment, quota: Option<u64>) -> Result<ReserveOutcome, RepositoryError> {
        noted!(self.attachments.reserve(new, quota))
    }

    async fn commit(
        &self,
        tenant: &TenantId,
        id: AttachmentId,
        key: Option<Idempotency>,
    ) -> Result<CommitOutcome, RepositoryError> {
        noted!(self.attachments.commit(tenant, id, key))
    }

    async fn find(&self, tenant: &TenantId, id: AttachmentId) -> Result<Option<Attachment>, RepositoryError> {
        noted!(self.attachments.find(tenant, id))
    }

    async fn doom(&self, reserved: Timestamp, unsent: Timestamp) -> Result<Vec<FileKey>, RepositoryError> {
        noted!(self.attachments.doom(reserved, unsent))
    }

    async fn doom_sent(&self, tenant: &TenantId, messages: &[MessageId]) -> Result<(), RepositoryError> {
        noted!(self.attachments.doom_sent(tenant, messages))
    }

    async fn forget(&self, keys: &[FileKey]) -> Result<(), RepositoryError> {
        noted!(self.attachments.forget(keys))
    }

    async fn strays(&self, keys: Vec<FileKey>) -> Result<Vec<FileKey>, RepositoryError> {
        noted!(self.attachments.strays(keys))
    }
}
