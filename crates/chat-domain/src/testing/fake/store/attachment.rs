//! The attachments, and what becomes of them when a message is sent with them.

use async_trait::async_trait;

use super::{FakeStore, IdGivenBefore, State};
use crate::attachment::{Attachment, AttachmentRepository, CommitOutcome, FileKey, NewAttachment, ReserveOutcome};
use crate::error::RepositoryError;
use crate::id::{AttachmentId, MessageId, TenantId};
use crate::idempotency::Idempotency;
use crate::message::NewMessage;
use crate::timestamp::Timestamp;

/// How many are doomed at once.
const AT_ONCE: usize = 100;

/// An attachment, and how far it has come.
pub(super) struct StoredAttachment {
    attachment: Attachment,
    stage: Stage,
    key: Option<Idempotency>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reserved,
    Stored,
    Doomed,
}

#[async_trait]
impl AttachmentRepository for FakeStore {
    async fn replay(&self, tenant: &TenantId, key: Idempotency) -> Result<Option<CommitOutcome>, RepositoryError> {
        Ok(self.open()?.attachment_of_key(tenant, key))
    }

    async fn reserve(&self, new: NewAttachment, quota: Option<u64>) -> Result<ReserveOutcome, RepositoryError> {
        let mut state = self.open()?;
        if state.attachments.contains_key(&new.key()) {
            return Err(RepositoryError::internal(IdGivenBefore));
        }
        let of_tenant = state.attachments.iter().filter(|(key, _)| key.tenant_id == new.tenant_id);
        let used: u64 = of_tenant.map(|(_, stored)| stored.attachment.size).sum();
        if quota.is_some_and(|quota| used + new.size > quota) {
            return Ok(ReserveOutcome::QuotaExceeded);
        }
        let stored = StoredAttachment { attachment: new.to_attachment(), stage: Stage::Reserved, key: None };
        state.attachments.insert(new.key(), stored);
        Ok(ReserveOutcome::Reserved)
    }

    async fn commit(
        &self,
        tenant: &TenantId,
        id: AttachmentId,
        key: Option<Idempotency>,
    ) -> Result<CommitOutcome, RepositoryError> {
        let mut state = self.open()?;
        if let Some(known) = key.and_then(|key| state.attachment_of_key(tenant, key)) {
            return Ok(known);
        }
        let place = FileKey { tenant_id: tenant.clone(), id };
        let stored = state.attachments.get_mut(&place).filter(|stored| stored.stage == Stage::Reserved);
        Ok(stored.map_or(CommitOutcome::Missing, |stored| {
            (stored.stage, stored.key) = (Stage::Stored, key);
            CommitOutcome::Stored(stored.attachment.clone())
        }))
    }

    async fn find(&self, tenant: &TenantId, id: AttachmentId) -> Result<Option<Attachment>, RepositoryError> {
        let state = self.open()?;
        let stored = state.attachments.get(&FileKey { tenant_id: tenant.clone(), id });
        Ok(stored.filter(|stored| stored.stage == Stage::Stored).map(|stored| stored.attachment.clone()))
    }

    async fn doom(&self, reserved: Timestamp, unsent: Timestamp) -> Result<Vec<FileKey>, RepositoryError> {
        let mut state = self.open()?;
        let is_old = |stored: &StoredAttachment| match stored.stage {
            Stage::Reserved => stored.attachment.created_at < reserved,
            Stage::Stored => stored.attachment.message_id.is_none() && stored.attachment.created_at < unsent,
            Stage::Doomed => true,
        };
        let old = state.attachments.iter_mut().filter(|(_, stored)| is_old(stored)).take(AT_ONCE);
        Ok(old
            .map(|(key, stored)| {
                stored.stage = Stage::Doomed;
                key.clone()
            })
            .collect())
    }

    async fn doom_sent(&self, tenant: &TenantId, messages: &[MessageId]) -> Result<(), RepositoryError> {
        let mut state = self.open()?;
        for (_, stored) in state.attachments.iter_mut().filter(|(key, _)| key.tenant_id == *tenant) {
            if stored.attachment.message_id.take_if(|sent_with| messages.contains(sent_with)).is_some() {
                stored.stage = Stage::Doomed;
            }
        }
        Ok(())
    }

    async fn forget(&self, keys: &[FileKey]) -> Result<(), RepositoryError> {
        let mut state = self.open()?;
        for key in keys {
            if state.attachments.get(key).is_some_and(|stored| stored.stage != Stage::Stored) {
                state.attachments.remove(key);
            }
        }
        Ok(())
    }

    async fn strays(&self, mut keys: Vec<FileKey>) -> Result<Vec<FileKey>, RepositoryError> {
        let state = self.open()?;
        keys.retain(|key| !state.attachments.contains_key(key));
        Ok(keys)
    }
}

impl State {
    fn attachment_of_key(&self, tenant: &TenantId, key: Idempotency) -> Option<CommitOutcome> {
        let mut of_tenant = self.attachments.iter().filter(|(place, _)| place.tenant_id == *tenant);
        let known = of_tenant.find_map(|(_, stored)| {
            let known = stored.key.filter(|known| known.scope == key.scope)?;
            Some((known.command == key.command, &stored.attachment))
        });
        known.map(
            |(same, attachment)| {
                if same { CommitOutcome::Replayed(attachment.clone()) } else { CommitOutcome::KeyReused }
            },
        )
    }

    /// The first attachment of the message that is not there to be sent.
    pub(super) fn taken(&self, new: &NewMessage) -> Option<AttachmentId> {
        let is_there = |id: AttachmentId| {
            let stored = self.attachments.get(&FileKey { tenant_id: new.tenant_id.clone(), id });
            stored.is_some_and(|stored| {
                let Attachment { session_id, message_id, .. } = stored.attachment;
                stored.stage == Stage::Stored && session_id == new.session_id && message_id.is_none()
            })
        };
        new.enclosures.iter().map(|enclosure| enclosure.id).find(|id| !is_there(*id))
    }

    /// They are sent with the message.
    pub(super) fn send(&mut self, new: &NewMessage) {
        for enclosure in &new.enclosures {
            let key = FileKey { tenant_id: new.tenant_id.clone(), id: enclosure.id };
            if let Some(stored) = self.attachments.get_mut(&key) {
                stored.attachment.message_id = Some(new.id);
            }
        }
    }
}
