//! Editing messages, restoring them, and what they read before.

use super::{MessageError, MessageService, refused};
use crate::access::{Action, Caller, EDIT_WINDOW_SECONDS, Relation};
use crate::audit::Thing;
use crate::id::MessageId;
use crate::idempotency::{Idempotency, IdempotencyKey};
use crate::message::edit::{MessagePatch, MessageRefusal};
use crate::message::history::{HistoryDraft, HistoryQuery, MessageHistory};
use crate::message::model::Message;
use crate::message::port::{Edit, EditOutcome, Restoration, RestoreOutcome};
use crate::outcome::Written;
use crate::precondition::Precondition;
use crate::timestamp::Timestamp;

impl MessageService {
    /// Changes a message's text or metadata; only those that were sent. The text that stood there stays in its history.
    ///
    /// # Errors
    /// All faults of the patch at once, a message that is not there, is deleted or may not be edited, a precondition that
    /// does not hold, a store at fault.
    pub async fn edit(
        &self,
        caller: &Caller,
        id: MessageId,
        patch: MessagePatch,
        precondition: Precondition,
    ) -> Result<Message, MessageError> {
        let change = patch.check()?;
        let message = self.find(caller, id).await?;
        let at = self.clock.now();
        let (relation, thing) = (authorship(caller, &message, at), Thing::of_message(&message));
        if is_over(caller, Action::EditMessage, relation, &message) {
            let is_met = precondition.holds(message.rev, None);
            return Err(if is_met { MessageError::Deleted } else { MessageError::PreconditionFailed });
        }
        let permit = self.guard.ask(caller, Action::EditMessage, relation, || thing.clone());
        let permit = permit.map_err(|denied| refused(denied, MessageError::NotFound))?;
        let audit = permit.entry(|| self.ids.audit_id(), at, &thing);
        let (by, extension_id) = (caller.id().clone(), self.ids.extension_id());
        let edit = Edit { change, precondition, by, at, extension_id, audit };
        match self.messages.with(&permit).edit(caller.tenant(), id, edit).await? {
            EditOutcome::Edited(message) => {
                self.guard.done(&permit, &thing);
                self.tell(caller, &message).await;
                Ok(message)
            }
            EditOutcome::Unchanged(message) => Ok(message),
            EditOutcome::Missing => Err(MessageError::NotFound),
            EditOutcome::PreconditionFailed => Err(MessageError::PreconditionFailed),
            EditOutcome::Refused(MessageRefusal::Deleted) => Err(MessageError::Deleted),
            EditOutcome::Refused(MessageRefusal::Invalid(faults)) => Err(MessageError::Invalid(faults)),
        }
    }

    /// Undoes the deletion of a message; of one that is not deleted it changes nothing.
    ///
    /// # Errors
    /// A message that is not there or may not be restored, a reused key, a precondition that does not hold, a store at
    /// fault.
    pub async fn restore(
        &self,
        caller: &Caller,
        id: MessageId,
        precondition: Precondition,
        key: Option<&IdempotencyKey>,
    ) -> Result<Written<Message>, MessageError> {
        let message = self.find(caller, id).await?;
        let at = self.clock.now();
        let (relation, thing) = (authorship(caller, &message, at), Thing::of_message(&message));
        let permit = self.guard.ask(caller, Action::RestoreMessage, relation, || thing.clone());
        let permit = permit.map_err(|denied| refused(denied, MessageError::NotFound))?;
        let audit = permit.entry(|| self.ids.audit_id(), at, &thing);
        let bound = |key| Idempotency::new(key, caller, "messages.restore", &id.to_string(), &());
        let idempotency = key.map(bound).transpose()?;
        let restoration = Restoration { precondition, at, idempotency, audit };
        match self.messages.with(&permit).restore(caller.tenant(), id, restoration).await? {
            RestoreOutcome::Restored(message) => {
                self.guard.done(&permit, &thing);
                self.tell(caller, &message).await;
                Ok(Written::fresh(message))
            }
            RestoreOutcome::Unchanged(message) => Ok(Written::fresh(message)),
            RestoreOutcome::Replayed(message) => Ok(Written::replayed(message)),
            RestoreOutcome::KeyReused => Err(MessageError::KeyReused),
            RestoreOutcome::Missing => Err(MessageError::NotFound),
            RestoreOutcome::PreconditionFailed => Err(MessageError::PreconditionFailed),
        }
    }

    /// A page of the versions of a message's text, and the question as it was understood. Whoever may see a message may see
    /// what it read before; of a tombstone there is nothing to be seen.
    ///
    /// # Errors
    /// All faults of the parameters at once, a message that is not there or may not be seen, a store at fault.
    pub async fn history(
        &self,
        caller: &Caller,
        id: MessageId,
        draft: &HistoryDraft,
    ) -> Result<(HistoryQuery, MessageHistory), MessageError> {
        let query = draft.check()?;
        let found = self.messages.look(|messages| messages.history(caller.tenant(), id, &query)).await?;
        let found = found.ok_or(MessageError::NotFound)?;
        let message = &found.to_judge().message;
        let session_id = message.session_id;
        if !message.visibility.shown_in(caller.view()) {
            return Err(MessageError::NotFound);
        }
        let relation = self.relation_to(caller, session_id).await?;
        let opened = self.guard.open(found, caller, Action::ReadSession, relation, || Thing::Session(session_id));
        let (history, _) = opened.map_err(|denied| refused(denied, MessageError::NotFound))?;
        Ok((query, history))
    }
}

/// What a message is to somebody who wants to change it.
pub(super) fn authorship(caller: &Caller, message: &Message, now: Timestamp) -> Relation {
    let age = now.seconds_since(message.created_at);
    match caller.writes_as(&message.sender) {
        true if age > EDIT_WINDOW_SECONDS => Relation::OwnButLate,
        true => Relation::Own,
        false => Relation::Other,
    }
}

/// Whether a caller who comes too late found a tombstone, of what it might have changed in time. It is told what the
/// tombstone says, since nothing is too late for what was done in time: a repeat answers what the first one did. But nothing
/// is written for it, since somebody may have restored the message by then.
pub(super) fn is_over(caller: &Caller, action: Action, relation: Relation, message: &Message) -> bool {
    let is_late = relation == Relation::OwnButLate && !caller.may(action, relation);
    is_late && message.is_deleted() && caller.may(action, Relation::Own)
}
