//! The extensions, which lie with their messages.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{FakeStore, move_on};
use crate::error::RepositoryError;
use crate::extension::{AddOutcome, Extension, ExtensionRepository, NewExtension};
use crate::id::{ExtensionId, MessageId, TenantId};
use crate::message::Message;
use crate::revision::Rev;
use crate::testing::builder::extension_of;
use crate::timestamp::Timestamp;

#[async_trait]
impl ExtensionRepository for FakeStore {
    async fn add(&self, new: NewExtension) -> Result<AddOutcome, RepositoryError> {
        let mut state = self.open()?;
        let Some((session, message)) = state.message_mut(&new.tenant_id, new.message_id)? else {
            return Ok(AddOutcome::MessageMissing);
        };
        if message.is_deleted() {
            return Ok(AddOutcome::MessageDeleted);
        }
        if message.extensions.len() >= Extension::MAX_PER_MESSAGE {
            return Ok(AddOutcome::TooMany);
        }
        move_on(session, new.created_at);
        message.rev = session.rev;
        let extension = extension_of(&new);
        message.extensions.push(extension.clone());
        message.extensions.sort_by_key(|extension| (extension.created_at, extension.id));
        Ok(AddOutcome::Added { extension, rev: message.rev })
    }

    async fn list(&self, tenant: &TenantId, messages: &[MessageId]) -> Result<Vec<Extension>, RepositoryError> {
        let state = self.open()?;
        let mut extensions = Vec::new();
        for id in BTreeSet::from_iter(messages) {
            let message = state.message(tenant, *id)?.cloned().map(Message::shown);
            extensions.extend(message.into_iter().flat_map(|message| message.extensions));
        }
        Ok(extensions)
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        message: MessageId,
        id: ExtensionId,
        at: Timestamp,
    ) -> Result<Option<Rev>, RepositoryError> {
        let mut state = self.open()?;
        let Some((session, message)) = state.message_mut(tenant, message)? else { return Ok(None) };
        let position = message.extensions.iter().position(|extension| extension.id == id);
        let Some(position) = position.filter(|_| !message.is_deleted()) else { return Ok(None) };
        message.extensions.remove(position);
        move_on(session, at);
        message.rev = session.rev;
        Ok(Some(message.rev))
    }
}
