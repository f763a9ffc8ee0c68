//! What changes single messages, and what they read before.

use super::key::Known;
use super::message::tallies;
use super::{FakeStore, move_on};
use crate::error::RepositoryError;
use crate::id::{MessageId, TenantId};
use crate::message::{Edit, EditOutcome, HistoryQuery, Message, MessageHistory, Restoration, RestoreOutcome, TextEdit};

impl FakeStore {
    pub(super) fn edit_message(
        &self,
        tenant: &TenantId,
        id: MessageId,
        edit: Edit,
    ) -> Result<EditOutcome, RepositoryError> {
        let state = &mut *self.open()?;
        let Some((session, message)) = state.message_mut(tenant, id)? else { return Ok(EditOutcome::Missing) };
        if !edit.precondition.holds(message.rev, None) {
            return Ok(EditOutcome::PreconditionFailed);
        }
        let changed = match message.changed(&edit.change, session.rev.next(), edit.at) {
            Err(refusal) => return Ok(EditOutcome::Refused(refusal)),
            Ok(None) => return Ok(EditOutcome::Unchanged(message.clone())),
            Ok(Some(changed)) => changed,
        };
        move_on(session, edit.at);
        let before = std::mem::replace(message, changed.clone());
        if changed.reads_other_than(&before) {
            let edits = state.edits.entry((tenant.clone(), id)).or_default();
            let number = edits.last().map_or(1, |last| last.number + 1);
            let (id, content) = (edit.extension_id, before.content);
            edits.push(TextEdit { number, id, content, edited_by: edit.by, edited_at: edit.at });
        }
        state.audit.extend(edit.audit);
        Ok(EditOutcome::Edited(changed))
    }

    pub(super) fn restore_message(
        &self,
        tenant: &TenantId,
        id: MessageId,
        restoration: Restoration,
    ) -> Result<RestoreOutcome, RepositoryError> {
        let state = &mut *self.open()?;
        let known = state.restore_keys.look(tenant, restoration.idempotency.as_ref());
        let Some((session, message)) = state.message_mut(tenant, id)? else { return Ok(RestoreOutcome::Missing) };
        match known {
            Known::Same(_) => return Ok(RestoreOutcome::Replayed(message.clone().shown())),
            Known::Other => return Ok(RestoreOutcome::KeyReused),
            Known::No => {}
        }
        if !restoration.precondition.holds(message.rev, None) {
            return Ok(RestoreOutcome::PreconditionFailed);
        }
        let outcome = if message.is_deleted() {
            move_on(session, restoration.at);
            message.rev = session.rev;
            message.deleted_at = None;
            for tally in tallies(session, message.visibility) {
                tally.count += 1;
            }
            let restored = message.clone();
            state.audit.extend(restoration.audit);
            RestoreOutcome::Restored(restored)
        } else {
            RestoreOutcome::Unchanged(message.clone())
        };
        state.restore_keys.remember(tenant, restoration.idempotency, id, restoration.at);
        Ok(outcome)
    }

    pub(super) fn history_of(
        &self,
        tenant: &TenantId,
        id: MessageId,
        query: &HistoryQuery,
    ) -> Result<Option<MessageHistory>, RepositoryError> {
        let state = self.open()?;
        let Some(message) = state.message(tenant, id)?.cloned().map(Message::shown) else { return Ok(None) };
        let (first, last) = query.edits();
        let edits = state.edits.get(&(tenant.clone(), id)).into_iter().flatten();
        let found = edits.filter(|edit| (first..=last).contains(&edit.number)).cloned().collect();
        Ok(Some(MessageHistory::assemble(message, query, found)))
    }
}
