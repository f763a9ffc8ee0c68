//! The use cases of participants: send a receipt, see how far everybody has come.

use std::sync::Arc;

use super::draft::ReceiptDraft;
use super::model::{Participant, ReceiptKind};
use super::port::{MarkOutcome, ParticipantRepository, Receipt};
use crate::access::{Action, Caller, Guard, Guarded, Relation};
use crate::audit::Thing;
use crate::clock::Clock;
use crate::event::{ChangeKind, EventPublisher, SessionChanged};
use crate::id::SessionId;
use crate::idempotency::{Idempotency, IdempotencyKey};
use crate::outcome::Written;
use crate::session::{SessionError, SessionRepository};

/// The use cases of participants.
pub struct ParticipantService {
    participants: Guarded<dyn ParticipantRepository>,
    sessions: Guarded<dyn SessionRepository>,
    events: Arc<dyn EventPublisher>,
    guard: Guard,
    clock: Arc<dyn Clock>,
}

impl ParticipantService {
    /// Puts the use cases on top of their ports.
    #[must_use]
    pub fn new(
        participants: Arc<dyn ParticipantRepository>,
        sessions: Arc<dyn SessionRepository>,
        events: Arc<dyn EventPublisher>,
        guard: Guard,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (participants, sessions) = (Guarded::new(participants), Guarded::new(sessions));
        Self { participants, sessions, events, guard, clock }
    }

    /// Notes that the caller has received or read the messages of a session up to one of them. What moves nothing changes
    /// nothing. Holds after the session's end, too.
    ///
    /// # Errors
    /// All faults of the draft at once, a session that is not there or may not be seen, a reused key, a store at fault.
    pub async fn mark(
        &self,
        caller: &Caller,
        session_id: SessionId,
        kind: ReceiptKind,
        draft: ReceiptDraft,
        key: Option<&IdempotencyKey>,
    ) -> Result<Written<Participant>, SessionError> {
        let seq = draft.check()?;
        // The store lets a caller who is confined to its own sessions at no other.
        let confined_to = caller.confined_to().cloned();
        let relation = if confined_to.is_some() { Relation::Own } else { Relation::Other };
        let permit = self.guard.ask(caller, Action::SendReceipt, relation, || Thing::Session(session_id))?;
        let route = match kind {
            ReceiptKind::Read => "participants.read",
            ReceiptKind::Delivered => "participants.delivered",
        };
        let idempotency = key.map(|key| Idempotency::new(key, caller, route, &session_id.to_string(), &seq));
        let idempotency = idempotency.transpose()?;
        let receipt = Receipt { reader: caller.reader(), kind, seq, at: self.clock.now(), confined_to, idempotency };
        match self.participants.with(&permit).mark(caller.tenant(), session_id, receipt).await? {
            MarkOutcome::Moved(participant) => {
                self.tell(caller, &participant).await;
                Ok(Written::fresh(participant))
            }
            MarkOutcome::Unmoved(participant) => Ok(Written::fresh(participant)),
            MarkOutcome::Replayed(participant) => Ok(Written::replayed(participant)),
            MarkOutcome::KeyReused => Err(SessionError::KeyReused),
            MarkOutcome::SessionMissing => Err(SessionError::NotFound),
        }
    }

    /// How far those have come of whom the caller may know, by id.
    ///
    /// # Errors
    /// A session that is not there or may not be seen, a store at fault.
    pub async fn list(&self, caller: &Caller, session_id: SessionId) -> Result<Vec<Participant>, SessionError> {
        let found = self.sessions.look(|sessions| sessions.find(caller.tenant(), session_id)).await?;
        let found = found.ok_or(SessionError::NotFound)?;
        let relation = caller.relation_to(&found.to_judge().user_id);
        let thing = || Thing::Session(session_id);
        let (_, permit) = self.guard.open(found, caller, Action::ReadSession, relation, thing)?;
        let mut participants = self.participants.with(&permit).list(caller.tenant(), session_id).await?;
        participants.retain(|participant| participant.visibility.shown_in(caller.view()));
        Ok(participants)
    }

    async fn tell(&self, caller: &Caller, participant: &Participant) {
        let event = SessionChanged {
            tenant_id: caller.tenant().clone(),
            session_id: participant.session_id,
            rev: participant.rev,
            kind: ChangeKind::Participant,
        };
        self.events.publish(event).await;
    }
}
