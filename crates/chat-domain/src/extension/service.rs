//! The use cases of extensions: find the message as the caller sees it, ask the rule book, write, tell.

use std::sync::Arc;

use super::draft::ExtensionDraft;
use super::error::ExtensionError;
use super::list::ExtensionPage;
use super::model::{Attached, Extension};
use super::port::{AddOutcome, DetachOutcome, Detachment, ExtensionRepository, NewExtension, Which};
use super::refused::{denied, not_added, not_detached};
use crate::access::{Action, Caller, Guard, Guarded, Permit, Relation, Sealed};
use crate::audit::Thing;
use crate::clock::{Clock, IdSource};
use crate::event::{EventPublisher, SessionChanged};
use crate::id::{ExtensionId, MessageId};
use crate::idempotency::{Idempotency, IdempotencyKey};
use crate::message::{HistoryDraft, HistoryQuery, Message, MessageError, MessageService};
use crate::outcome::Written;
use crate::precondition::Precondition;
use crate::revision::Rev;

/// The use cases of extensions, reactions among them. They work after a session's end, too.
pub struct ExtensionService {
    messages: Arc<MessageService>,
    pub(super) extensions: Guarded<dyn ExtensionRepository>,
    events: Arc<dyn EventPublisher>,
    guard: Guard,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdSource>,
}

impl ExtensionService {
    /// Puts the use cases on top of their ports, and of the one that finds messages.
    #[must_use]
    pub fn new(
        messages: Arc<MessageService>,
        extensions: Arc<dyn ExtensionRepository>,
        events: Arc<dyn EventPublisher>,
        guard: Guard,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self { messages, extensions: Guarded::new(extensions), events, guard, clock, ids }
    }

    /// Hangs an extension of a client's own kind on a message; with the message's `rev`.
    ///
    /// # Errors
    /// All faults of the draft at once, a message that is not there, may not be seen or is deleted, a reused key, one whose
    /// extension is gone, a message without room, a store at fault.
    pub async fn add(
        &self,
        caller: &Caller,
        message_id: MessageId,
        draft: ExtensionDraft,
        key: Option<&IdempotencyKey>,
    ) -> Result<Written<(Extension, Rev)>, ExtensionError> {
        let checked = draft.check()?;
        let (_, permit) = self.allow(caller, message_id, Action::AddExtension).await?;
        let parent = || message_id.to_string();
        let bound = key.map(|key| Idempotency::new(key, caller, "extensions.create", &parent(), &checked)).transpose();
        let new = NewExtension {
            tenant_id: caller.tenant().clone(),
            message_id,
            id: self.ids.extension_id(),
            extension_type: checked.extension_type,
            data: checked.data,
            maker: caller.actor(),
            unique_key: None,
            created_at: self.clock.now(),
            precondition: Precondition::None,
            idempotency: bound?,
        };
        match self.extensions.with(&permit).add(new).await? {
            AddOutcome::Added { extension, message } => {
                self.tell(caller, &message).await;
                Ok(Written::fresh((extension, message.rev)))
            }
            AddOutcome::Replayed { extension, rev } => Ok(Written::replayed((extension, rev))),
            other => Err(not_added(&other)),
        }
    }

    /// A page of all that hangs on a message that the caller may see, and the question as it was understood; of a tombstone
    /// there is nothing to be seen.
    ///
    /// # Errors
    /// All faults of the parameters at once, a message that is not there or may not be seen, a store at fault.
    pub async fn list(
        &self,
        caller: &Caller,
        message_id: MessageId,
        draft: &HistoryDraft,
    ) -> Result<(HistoryQuery, ExtensionPage), ExtensionError> {
        let (query, history) = self.messages.history(caller, message_id, draft).await?;
        Ok((query, ExtensionPage::of(history, &query)?))
    }

    /// One extension of a message that the caller may see, with the message's `rev`. Earlier versions of the text are not
    /// to be had one by one.
    ///
    /// # Errors
    /// A message or an extension that is not there or may not be seen, a store at fault.
    pub async fn find(
        &self,
        caller: &Caller,
        message_id: MessageId,
        id: ExtensionId,
    ) -> Result<(Extension, Rev), ExtensionError> {
        let (message, relation) = self.messages.seen(caller, message_id).await?;
        let found = self.look(caller, message_id, id).await?;
        let thing = || Thing::Session(message.session_id);
        let opened = self.guard.open(found, caller, Action::ReadSession, relation, thing);
        opened.map(|(attached, _)| (attached.extension, message.rev)).map_err(denied)
    }

    /// Takes an extension off its message.
    ///
    /// # Errors
    /// A message that is not there, may not be seen or is deleted, an extension that is not there, or is another's, or
    /// [stays](super::ExtensionType::stays), a precondition on the message that does not hold, a store at fault.
    pub async fn remove(
        &self,
        caller: &Caller,
        message_id: MessageId,
        id: ExtensionId,
        precondition: Precondition,
    ) -> Result<(), ExtensionError> {
        let (message, _) = self.messages.seen(caller, message_id).await?;
        if message.is_deleted() {
            return Err(MessageError::Deleted.into());
        }
        // Who made an extension and of what kind it is never changes, so looking before the write is no race.
        let found = self.look(caller, message_id, id).await?;
        let relation = match &found.to_judge().maker {
            Some(maker) if *maker == caller.actor() => Relation::Own,
            _ => Relation::Other,
        };
        let thing = Thing::Message { id: message_id, session: message.session_id };
        let opened = self.guard.open(found, caller, Action::RemoveExtension, relation, || thing.clone());
        let (Attached { extension, .. }, permit) = opened.map_err(denied)?;
        if extension.extension_type.stays() {
            return Err(ExtensionError::Stays);
        }
        let at = self.clock.now();
        let audit = permit.entry(|| self.ids.audit_id(), at, &thing);
        let detachment = Detachment { which: Which::Id(id), precondition, at, audit };
        match self.extensions.with(&permit).remove(caller.tenant(), message_id, detachment).await? {
            DetachOutcome::Removed(message) => {
                self.guard.done(&permit, &thing);
                self.tell(caller, &message).await;
                Ok(())
            }
            DetachOutcome::NotThere(_) => Err(ExtensionError::NotFound),
            other => Err(not_detached(&other)),
        }
    }

    /// The message, and that the caller may do this to what it sees. A message never changes whom it is shown to, so looking
    /// before the write is no race.
    pub(super) async fn allow<'c>(
        &self,
        caller: &'c Caller,
        id: MessageId,
        action: Action,
    ) -> Result<(Message, Permit<'c>), ExtensionError> {
        let (message, relation) = self.messages.seen(caller, id).await?;
        let thing = || Thing::Message { id, session: message.session_id };
        let permit = self.guard.ask(caller, action, relation, thing).map_err(denied)?;
        Ok((message, permit))
    }

    async fn look(
        &self,
        caller: &Caller,
        message: MessageId,
        id: ExtensionId,
    ) -> Result<Sealed<Attached>, ExtensionError> {
        let found = self.extensions.look(|extensions| extensions.find(caller.tenant(), message, id)).await?;
        found.ok_or(ExtensionError::NotFound)
    }

    pub(super) async fn tell(&self, caller: &Caller, message: &Message) {
        self.events.publish(SessionChanged::of_message(caller.tenant(), message)).await;
    }
}
