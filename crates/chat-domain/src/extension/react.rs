//! The use cases of reactions: to show an emoji on a message, and to take it back.

use super::emoji::Emoji;
use super::error::ExtensionError;
use super::model::ExtensionType;
use super::port::{AddOutcome, DetachOutcome, Detachment, NewExtension, Which};
use super::reaction::Reaction;
use super::refused::{not_added, not_detached};
use super::service::ExtensionService;
use crate::access::{Action, Caller};
use crate::id::MessageId;
use crate::message::Message;
use crate::precondition::Precondition;

impl ExtensionService {
    /// Shows the caller's emoji on a message; where it is shown already nothing changes. The message as it then is.
    ///
    /// # Errors
    /// A message that is not there, may not be seen or is deleted, or has no room for one more emoji, a precondition on the
    /// message that does not hold, a store at fault.
    pub async fn react(
        &self,
        caller: &Caller,
        message_id: MessageId,
        emoji: Emoji,
        precondition: Precondition,
    ) -> Result<Message, ExtensionError> {
        let (_, permit) = self.allow(caller, message_id, Action::React).await?;
        let reaction = Reaction { emoji, actor: caller.actor() };
        let new = NewExtension {
            tenant_id: caller.tenant().clone(),
            message_id,
            id: self.ids.extension_id(),
            extension_type: ExtensionType::reaction(),
            data: reaction.data()?,
            unique_key: Some(reaction.unique_key()),
            maker: reaction.actor,
            created_at: self.clock.now(),
            precondition,
            idempotency: None,
        };
        match self.extensions.with(&permit).add(new).await? {
            AddOutcome::Added { message, .. } => {
                self.tell(caller, &message).await;
                Ok(message)
            }
            AddOutcome::AlreadyThere(message) => Ok(message),
            other => Err(not_added(&other)),
        }
    }

    /// Shows the caller's emoji on a message no more; where it is not shown nothing changes. The message as it then is.
    ///
    /// # Errors
    /// A message that is not there, may not be seen or is deleted, a precondition on the message that does not hold, a store
    /// at fault.
    pub async fn take_back(
        &self,
        caller: &Caller,
        message_id: MessageId,
        emoji: Emoji,
        precondition: Precondition,
    ) -> Result<Message, ExtensionError> {
        let (_, permit) = self.allow(caller, message_id, Action::React).await?;
        let which = Which::UniqueKey(Reaction { emoji, actor: caller.actor() }.unique_key());
        let detachment = Detachment { which, precondition, at: self.clock.now(), audit: None };
        match self.extensions.with(&permit).remove(caller.tenant(), message_id, detachment).await? {
            DetachOutcome::Removed(message) => {
                self.tell(caller, &message).await;
                Ok(message)
            }
            DetachOutcome::NotThere(message) => Ok(message),
            other => Err(not_detached(&other)),
        }
    }
}
