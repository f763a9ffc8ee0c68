//! The extensions, which lie with their messages.

use async_trait::async_trait;

use super::key::Known;
use super::{FakeStore, State, move_on};
use crate::error::RepositoryError;
use crate::extension::{
    AddOutcome, Attached, DetachOutcome, Detachment, Extension, ExtensionRepository, NewExtension, Which, find_room,
};
use crate::id::{ExtensionId, MessageId, TenantId};
use crate::idempotency::Digest;
use crate::message::{Message, Sender};

/// What is known of an extension beside what it shows.
pub(super) struct Made {
    maker: Sender,
    unique_key: Option<Digest>,
}

#[async_trait]
impl ExtensionRepository for FakeStore {
    async fn add(&self, new: NewExtension) -> Result<AddOutcome, RepositoryError> {
        let state = &mut *self.open()?;
        let Some(message) = state.message(&new.tenant_id, new.message_id)? else {
            return Ok(AddOutcome::MessageMissing);
        };
        match state.extension_keys.look(&new.tenant_id, new.idempotency.as_ref()) {
            Known::Same(id) => return Ok(AddOutcome::replayed(message.clone(), id)),
            Known::Other => return Ok(AddOutcome::KeyReused),
            Known::No => {}
        }
        if !new.precondition.holds(message.rev, None) {
            return Ok(AddOutcome::PreconditionFailed);
        }
        if message.is_deleted() {
            return Ok(AddOutcome::MessageDeleted);
        }
        if new.unique_key.is_some_and(|key| state.position(message, &new.tenant_id, Which::UniqueKey(key)).is_some()) {
            return Ok(AddOutcome::AlreadyThere(message.clone()));
        }
        if let Err(no_room) = find_room(&message.extensions, &new.extension_type, &new.data) {
            return Ok(AddOutcome::NoRoom(no_room));
        }
        state.extension_keys.remember(&new.tenant_id, new.idempotency, new.id, new.created_at);
        let made = Made { maker: new.maker.clone(), unique_key: new.unique_key };
        state.makers.insert((new.tenant_id.clone(), new.id), made);
        let Some((session, message)) = state.message_mut(&new.tenant_id, new.message_id)? else {
            return Ok(AddOutcome::MessageMissing);
        };
        move_on(session, new.created_at);
        let added = AddOutcome::added(&new, message.clone(), session.rev);
        if let AddOutcome::Added { message: changed, .. } = &added {
            message.clone_from(changed);
        }
        Ok(added)
    }

    async fn find(
        &self,
        tenant: &TenantId,
        message: MessageId,
        id: ExtensionId,
    ) -> Result<Option<Attached>, RepositoryError> {
        let state = self.open()?;
        let message = state.message(tenant, message)?.filter(|message| !message.is_deleted());
        let extension = message.and_then(|message| shown(message, id));
        let maker = state.makers.get(&(tenant.clone(), id)).map(|made| made.maker.clone());
        Ok(extension.map(|extension| Attached { extension, maker }))
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        message: MessageId,
        detachment: Detachment,
    ) -> Result<DetachOutcome, RepositoryError> {
        let state = &mut *self.open()?;
        let Some(found) = state.message(tenant, message)? else { return Ok(DetachOutcome::MessageMissing) };
        if !detachment.precondition.holds(found.rev, None) {
            return Ok(DetachOutcome::PreconditionFailed);
        }
        if found.is_deleted() {
            return Ok(DetachOutcome::MessageDeleted);
        }
        let Some(position) = state.position(found, tenant, detachment.which) else {
            return Ok(DetachOutcome::NotThere(found.clone()));
        };
        let Some((session, message)) = state.message_mut(tenant, message)? else {
            return Ok(DetachOutcome::MessageMissing);
        };
        let gone = message.extensions.remove(position);
        move_on(session, detachment.at);
        message.rev = session.rev;
        let message = message.clone();
        state.makers.remove(&(tenant.clone(), gone.id));
        state.audit.extend(detachment.audit);
        Ok(DetachOutcome::Removed(message))
    }
}

impl State {
    /// Where among its message's this extension stands.
    fn position(&self, message: &Message, tenant: &TenantId, which: Which) -> Option<usize> {
        let is_it = |extension: &Extension| match which {
            Which::Id(id) => extension.id == id,
            Which::UniqueKey(key) => {
                let made = self.makers.get(&(tenant.clone(), extension.id));
                made.is_some_and(|made| made.unique_key == Some(key))
            }
        };
        message.extensions.iter().position(is_it)
    }
}

fn shown(message: &Message, id: ExtensionId) -> Option<Extension> {
    message.extensions.iter().find(|extension| extension.id == id).cloned()
}
