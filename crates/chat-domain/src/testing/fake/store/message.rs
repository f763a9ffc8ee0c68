//! The messages.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::key::Known;
use super::{FakeStore, IdGivenBefore, Place, State, move_on};
use crate::access::View;
use crate::error::RepositoryError;
use crate::id::{MessageId, SessionId, TenantId};
use crate::message::{
    AppendOutcome, Changes, Edit, EditOutcome, HistoryQuery, Message, MessageHistory, MessagePage, MessagePages,
    MessageRepository, NewMessage, PageQuery, Removal, RemoveOutcome, Restoration, RestoreOutcome, Since, Visibility,
    Window,
};
use crate::query::Order;
use crate::revision::Seq;
use crate::session::{Session, SessionStatus, Tally};

#[async_trait]
impl MessageRepository for FakeStore {
    async fn append(&self, batch: Vec<NewMessage>) -> Result<Vec<AppendOutcome>, RepositoryError> {
        let mut state = self.open()?;
        state.check_batch(&batch)?;
        Ok(batch.iter().map(|new| state.append(new)).collect())
    }

    async fn find(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, RepositoryError> {
        Ok(self.open()?.message(tenant, id)?.cloned().map(Message::shown))
    }

    async fn remove(
        &self,
        tenant: &TenantId,
        id: MessageId,
        removal: Removal,
    ) -> Result<RemoveOutcome, RepositoryError> {
        let mut state = self.open()?;
        let Some((session, message)) = state.message_mut(tenant, id)? else { return Ok(RemoveOutcome::Missing) };
        if !removal.precondition.holds(message.rev, None) {
            return Ok(RemoveOutcome::PreconditionFailed);
        }
        if message.is_deleted() {
            return Ok(RemoveOutcome::AlreadyRemoved(message.clone().shown()));
        }
        move_on(session, removal.at);
        message.rev = session.rev;
        message.deleted_at = Some(removal.at);
        for tally in tallies(session, message.visibility) {
            tally.count -= 1;
        }
        let tombstone = message.clone().shown();
        state.audit.extend(removal.audit);
        Ok(RemoveOutcome::Removed(tombstone))
    }

    async fn edit(&self, tenant: &TenantId, id: MessageId, edit: Edit) -> Result<EditOutcome, RepositoryError> {
        self.edit_message(tenant, id, edit)
    }

    async fn restore(
        &self,
        tenant: &TenantId,
        id: MessageId,
        restoration: Restoration,
    ) -> Result<RestoreOutcome, RepositoryError> {
        self.restore_message(tenant, id, restoration)
    }

    async fn history(
        &self,
        tenant: &TenantId,
        id: MessageId,
        query: &HistoryQuery,
    ) -> Result<Option<MessageHistory>, RepositoryError> {
        self.history_of(tenant, id, query)
    }
}

#[async_trait]
impl MessagePages for FakeStore {
    async fn page(
        &self,
        tenant: &TenantId,
        session: SessionId,
        query: &PageQuery,
    ) -> Result<Option<Arc<MessagePage>>, RepositoryError> {
        let state = self.open()?;
        let Some(stored) = state.session(tenant, session) else { return Ok(None) };
        let mut found: Vec<&Message> = stored.messages.iter().filter(|message| asked_for(message, query)).collect();
        if query.walk() == Order::Desc {
            found.reverse();
        }
        let offset = match query.window {
            Window::Offset(offset) => usize::from(offset),
            Window::Between { .. } => 0,
        };
        let found: Vec<Message> =
            found.into_iter().skip(offset).take(usize::from(query.limit) + 1).cloned().map(Message::shown).collect();
        for message in &found {
            state.check_readable(tenant, message.id)?;
        }
        Ok(Some(Arc::new(MessagePage::assemble(stored.session.clone(), query, found))))
    }
}

impl State {
    pub(super) fn changes(&self, since: &Since) -> Result<Option<Arc<Changes>>, RepositoryError> {
        let Some(stored) = self.session(&since.session.tenant_id, since.session.id) else { return Ok(None) };
        let mut found: Vec<&Message> =
            stored.messages.iter().filter(|message| message.rev >= since.revision.rev).collect();
        found.sort_by_key(|message| message.rev);
        let found: Vec<Message> = found.into_iter().take(Changes::ROWS).cloned().map(Message::shown).collect();
        for message in &found {
            self.check_readable(&since.session.tenant_id, message.id)?;
        }
        Ok(Changes::assemble(stored.session.clone(), since.revision, found).map(Arc::new))
    }

    /// What would fail the whole batch, looked for before anything of it is stored.
    fn check_batch(&self, batch: &[NewMessage]) -> Result<(), RepositoryError> {
        let mut ids = HashSet::new();
        for new in batch {
            match self.message_keys.look(&new.tenant_id, new.idempotency.as_ref()) {
                Known::Same(id) => self.check_readable(&new.tenant_id, id)?,
                Known::Other => {}
                Known::No => {
                    let place = (new.tenant_id.clone(), new.id);
                    let entry = new.audit.as_deref();
                    let is_known = entry.is_some_and(|entry| self.audit.iter().any(|known| known.id == entry.id));
                    if is_known || self.places.contains_key(&place) || !ids.insert(place) {
                        return Err(RepositoryError::internal(IdGivenBefore));
                    }
                }
            }
        }
        Ok(())
    }

    fn append(&mut self, new: &NewMessage) -> AppendOutcome {
        let tenant = new.tenant_id.clone();
        let known = match self.message_keys.look(&tenant, new.idempotency.as_ref()) {
            Known::No => None,
            Known::Other => Some(AppendOutcome::KeyReused),
            Known::Same(id) => self.shown(&tenant, id).map(AppendOutcome::Replayed),
        };
        let taken = self.taken(new);
        let Some(stored) = self.session_mut(&tenant, new.session_id) else { return AppendOutcome::SessionMissing };
        if new.confined_to.as_ref().is_some_and(|user| *user != stored.session.user_id) {
            return AppendOutcome::SessionMissing;
        }
        if let Some(outcome) = known {
            return outcome;
        }
        if stored.session.state.status() == SessionStatus::Ended {
            return AppendOutcome::SessionEnded { rev: stored.session.rev };
        }
        if let Some(id) = taken {
            return AppendOutcome::AttachmentTaken(id);
        }
        let index = stored.messages.len();
        let seq = stored.messages.last().map_or(Seq::FIRST, |last| last.seq.next());
        let found = Some(stored.session.updated_at);
        move_on(&mut stored.session, new.created_at);
        for tally in tallies(&mut stored.session, new.visibility) {
            *tally = Tally { count: tally.count + 1, last_at: Some(new.created_at) };
        }
        let message = new.to_message(seq, stored.session.rev);
        stored.messages.push(message.clone());
        self.places.insert((tenant.clone(), new.id), Place { session: new.session_id, index });
        self.message_keys.remember(&tenant, new.idempotency, new.id, new.created_at);
        self.audit.extend(new.audit.as_deref().cloned());
        self.send(new);
        AppendOutcome::Stored { message, found }
    }

    fn shown(&self, tenant: &TenantId, id: MessageId) -> Option<Message> {
        self.message(tenant, id).ok().flatten().cloned().map(Message::shown)
    }
}

/// The counts in which a message of this visibility stands.
pub(super) fn tallies(session: &mut Session, visibility: Visibility) -> impl Iterator<Item = &mut Tally> {
    let public = visibility.shown_in(View::Public).then_some(&mut session.public_messages);
    std::iter::once(&mut session.all_messages).chain(public)
}

fn asked_for(message: &Message, query: &PageQuery) -> bool {
    let in_window = match query.window {
        Window::Offset(_) => true,
        Window::Between { after, before } => {
            after.is_none_or(|after| message.seq > after) && before.is_none_or(|before| message.seq < before)
        }
    };
    let alive = query.include_deleted || !message.is_deleted();
    in_window && alive && message.visibility.shown_in(query.view)
}
