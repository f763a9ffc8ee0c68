//! The participants, and what they have not read: counted by looking at every message.

use async_trait::async_trait;

use super::key::Known;
use super::{FakeStore, StoredSession};
use crate::error::RepositoryError;
use crate::id::{SessionId, TenantId};
use crate::message::{SenderType, Visibility};
use crate::participant::{
    MarkOutcome, Participant, ParticipantRepository, ParticipantRole, Reader, Receipt, Unread, UnreadCount,
    UnreadCounts,
};
use crate::revision::{Revision, Seq};
use crate::session::SessionKey;

#[async_trait]
impl ParticipantRepository for FakeStore {
    async fn mark(
        &self,
        tenant: &TenantId,
        session: SessionId,
        receipt: Receipt,
    ) -> Result<MarkOutcome, RepositoryError> {
        let state = &mut *self.open()?;
        let known = state.receipt_keys.look(tenant, receipt.idempotency.as_ref());
        let stored = state.session_mut(tenant, session);
        let stored =
            stored.filter(|stored| receipt.confined_to.as_ref().is_none_or(|user| *user == stored.session.user_id));
        let Some(stored) = stored else { return Ok(MarkOutcome::SessionMissing) };
        match known {
            Known::Same(()) => return Ok(MarkOutcome::Replayed(stored.participant(&receipt.reader))),
            Known::Other => return Ok(MarkOutcome::KeyReused),
            Known::No => {}
        }
        let outcome = stored.mark(&receipt);
        state.receipt_keys.remember(tenant, receipt.idempotency, (), receipt.at);
        Ok(outcome)
    }

    async fn list(&self, tenant: &TenantId, session: SessionId) -> Result<Vec<Participant>, RepositoryError> {
        let state = self.open()?;
        let stored = state.session(tenant, session);
        let mut participants: Vec<_> =
            stored.into_iter().flat_map(|stored| stored.participants.values().cloned()).collect();
        participants.sort_by(|one, other| (&one.id, one.role.as_str()).cmp(&(&other.id, other.role.as_str())));
        Ok(participants)
    }
}

#[async_trait]
impl UnreadCounts for FakeStore {
    async fn unread(
        &self,
        reader: &Reader,
        sessions: Vec<(SessionKey, Revision)>,
    ) -> Result<Vec<Option<Unread>>, RepositoryError> {
        let state = self.open()?;
        let counted = |stored: &StoredSession| Unread {
            revision: stored.session.revision(),
            count: stored.unread(reader),
            may_be_kept: stored.participants.values().all(|participant| participant.rev != stored.session.rev),
        };
        Ok(sessions.iter().map(|(session, _)| state.sessions.get(session).map(counted)).collect())
    }
}

impl StoredSession {
    /// What the reader has not read.
    pub(super) fn unread(&self, reader: &Reader) -> UnreadCount {
        let read = self.participant(reader).read_seq;
        UnreadCount::of(self.messages.iter().filter(|message| reader.has_unread(message, read)).count())
    }

    fn participant(&self, reader: &Reader) -> Participant {
        let silent = || Participant::silent(self.session.id, reader, self.session.created_at);
        self.participants.get(reader).cloned().unwrap_or_else(silent)
    }

    fn mark(&mut self, receipt: &Receipt) -> MarkOutcome {
        let reader = &receipt.reader;
        let mut seen = self.messages.iter().filter(|message| message.visibility.shown_in(reader.role.view()));
        let last = seen.next_back().map_or(Seq::new(0), |message| message.seq);
        let (participant, rev) = (self.participant(reader), self.session.rev.next());
        let moved =
            participant.after(receipt.kind, receipt.seq.min(last), self.is_known_to_user(reader), rev, receipt.at);
        let Some(moved) = moved else { return MarkOutcome::Unmoved(participant) };
        self.session.rev = rev;
        self.participants.insert(reader.clone(), moved.clone());
        MarkOutcome::Moved(moved)
    }

    fn is_known_to_user(&self, reader: &Reader) -> bool {
        let speaks = || {
            self.messages.iter().any(|message| {
                message.visibility == Visibility::Public
                    && message.sender.sender_type == SenderType::Agent
                    && reader.is(&message.sender)
                    && !message.is_deleted()
            })
        };
        reader.role == ParticipantRole::User || self.session.agent_id.as_ref() == Some(&reader.id) || speaks()
    }
}
