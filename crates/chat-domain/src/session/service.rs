//! The use cases of sessions: check, ask the rule book, write, tell.

use std::sync::Arc;

use super::draft::{CheckedSession, SessionDraft, SessionPatch};
use super::list::{SessionPage, UserSessionsDraft};
use super::model::{Session, SessionChange, SessionRefusal};
use super::port::{CreateOutcome, NewSession, SessionRepository, SessionUpdate, UpdateOutcome};
use super::state::{InvalidTransition, SessionStatus};
use crate::access::{Action, Caller, Decision, Relation, decide};
use crate::clock::{Clock, IdSource};
use crate::error::RepositoryError;
use crate::event::{ChangeKind, EventPublisher, SessionChanged};
use crate::fault::{Faults, Rejection};
use crate::id::{ParticipantId, SessionId};
use crate::idempotency::{Idempotency, IdempotencyKey};
use crate::outcome::Written;
use crate::precondition::Precondition;
use crate::revision::Rev;

/// Why a use case of sessions did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionError {
    /// The input is at fault.
    #[error(transparent)]
    Invalid(#[from] Faults),
    /// There is no such session that the caller may see.
    #[error("no such session")]
    NotFound,
    /// The caller may see the thing, but not do this to it.
    #[error("not allowed")]
    Forbidden,
    /// The idempotency key had been used for another command.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The session has moved on since the caller saw it.
    #[error("the session has moved on")]
    PreconditionFailed,
    /// The state machine knows no such move.
    #[error("{transition}")]
    InvalidTransition {
        /// The move.
        transition: InvalidTransition,
        /// The session's present `rev`.
        rev: Rev,
    },
    /// The session has ended, which rules this change out.
    #[error("the session has ended")]
    Ended {
        /// The session's present `rev`.
        rev: Rev,
    },
    /// The store is at fault.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// The use cases of sessions.
pub struct SessionService {
    sessions: Arc<dyn SessionRepository>,
    events: Arc<dyn EventPublisher>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl SessionService {
    /// Puts the use cases on top of their ports.
    #[must_use]
    pub fn new(
        sessions: Arc<dyn SessionRepository>,
        events: Arc<dyn EventPublisher>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self { sessions, events, clock, ids }
    }

    /// Starts a session.
    ///
    /// # Errors
    /// All faults of the draft at once, a caller who may not start it, a reused key, a store at fault.
    pub async fn create(
        &self,
        caller: &Caller,
        draft: SessionDraft,
        key: Option<&IdempotencyKey>,
    ) -> Result<Written<Session>, SessionError> {
        let checked = draft.check()?;
        allow_create(caller, &checked)?;
        self.check_previous(caller, checked.previous_session_id).await?;
        let idempotency = key.map(|key| Idempotency::new(key, caller, "sessions.create", "", &checked)).transpose()?;
        let new = NewSession {
            tenant_id: caller.tenant().clone(),
            id: self.ids.session_id(),
            user_id: checked.user_id,
            agent_id: checked.agent_id,
            metadata: checked.metadata,
            previous_session_id: checked.previous_session_id,
            created_at: self.clock.now(),
            idempotency,
        };
        match self.sessions.create(new).await? {
            CreateOutcome::Created(session) => {
                self.tell(&session).await;
                Ok(Written::fresh(session))
            }
            CreateOutcome::Replayed(session) => Ok(Written::replayed(session)),
            CreateOutcome::KeyReused => Err(SessionError::KeyReused),
        }
    }

    /// A session that the caller may see.
    ///
    /// # Errors
    /// [`SessionError::NotFound`] also where the caller may not see it; a store at fault.
    pub async fn find(&self, caller: &Caller, id: SessionId) -> Result<Session, SessionError> {
        let session = self.sessions.find(caller.tenant(), id).await?.ok_or(SessionError::NotFound)?;
        allow(caller, Action::ReadSession, relation(caller, &session.user_id))?;
        Ok(session)
    }

    /// A page of a user's sessions; empty for an unknown user.
    ///
    /// # Errors
    /// All faults of the parameters at once, a caller who may not see that user's list, a store at fault.
    pub async fn list_of_user(
        &self,
        caller: &Caller,
        user_id: ParticipantId,
        draft: UserSessionsDraft,
    ) -> Result<SessionPage, SessionError> {
        allow(caller, Action::ListUserSessions, relation(caller, &user_id))?;
        match draft.check(user_id)? {
            Some(query) => Ok(self.sessions.list_of_user(caller.tenant(), &query).await?),
            None => Ok(SessionPage::default()),
        }
    }

    /// Changes a session's own fields; only those that were sent.
    ///
    /// # Errors
    /// All faults of the patch at once, a session that is not there or may not be changed, a precondition that does not
    /// hold, a store at fault.
    pub async fn update(
        &self,
        caller: &Caller,
        id: SessionId,
        patch: SessionPatch,
        precondition: Precondition,
    ) -> Result<Session, SessionError> {
        let change = patch.check()?;
        let session = self.find(caller, id).await?;
        allow(caller, action_of(&change), relation(caller, &session.user_id))?;
        Ok(self.change(caller, id, change, precondition, None).await?.value)
    }

    /// Ends a session; once it has ended, ending it again changes nothing.
    ///
    /// # Errors
    /// A session that is not there or may not be ended, a reused key, a precondition that does not hold, a store at
    /// fault.
    pub async fn end(
        &self,
        caller: &Caller,
        id: SessionId,
        precondition: Precondition,
        key: Option<&IdempotencyKey>,
    ) -> Result<Written<Session>, SessionError> {
        let session = self.find(caller, id).await?;
        allow(caller, Action::EndSession, relation(caller, &session.user_id))?;
        let change = SessionChange { status: Some(SessionStatus::Ended), ..SessionChange::default() };
        let idempotency =
            key.map(|key| Idempotency::new(key, caller, "sessions.end", &id.to_string(), &())).transpose()?;
        self.change(caller, id, change, precondition, idempotency).await
    }

    async fn change(
        &self,
        caller: &Caller,
        id: SessionId,
        change: SessionChange,
        precondition: Precondition,
        idempotency: Option<Idempotency>,
    ) -> Result<Written<Session>, SessionError> {
        let update = SessionUpdate { change, precondition, at: self.clock.now(), idempotency };
        match self.sessions.update(caller.tenant(), id, update).await? {
            UpdateOutcome::Updated(session) => {
                self.tell(&session).await;
                Ok(Written::fresh(session))
            }
            UpdateOutcome::Unchanged(session) => Ok(Written::fresh(session)),
            UpdateOutcome::Replayed(session) => Ok(Written::replayed(session)),
            UpdateOutcome::KeyReused => Err(SessionError::KeyReused),
            UpdateOutcome::Missing => Err(SessionError::NotFound),
            UpdateOutcome::PreconditionFailed => Err(SessionError::PreconditionFailed),
            UpdateOutcome::Refused(session, refusal) => Err(refused(&session, refusal)),
        }
    }

    /// A session is never removed while it may be continued, so looking before the write is no race.
    async fn check_previous(&self, caller: &Caller, previous: Option<SessionId>) -> Result<(), SessionError> {
        let Some(id) = previous else { return Ok(()) };
        match self.find(caller, id).await {
            Err(SessionError::NotFound) => {
                let rejection =
                    Rejection::new("previous_session_not_found", "names no session that the caller may see");
                Err(Faults::body("/previous_session_id", rejection).into())
            }
            found => found.map(drop),
        }
    }

    async fn tell(&self, session: &Session) {
        let event = SessionChanged {
            tenant_id: session.tenant_id.clone(),
            session_id: session.id,
            rev: session.rev,
            kind: ChangeKind::Session,
        };
        self.events.publish(event).await;
    }
}

/// To name an agent from the start is the same as to assign one later.
fn allow_create(caller: &Caller, checked: &CheckedSession) -> Result<(), SessionError> {
    let relation = relation(caller, &checked.user_id);
    allow(caller, Action::CreateSession, relation)?;
    match checked.agent_id {
        Some(_) => allow(caller, Action::UpdateSession, relation),
        None => Ok(()),
    }
}

/// Ending a session by a patch is the same as ending it; every other change is for those who serve.
fn action_of(change: &SessionChange) -> Action {
    let only_ends = SessionChange { status: Some(SessionStatus::Ended), ..SessionChange::default() };
    if *change == only_ends { Action::EndSession } else { Action::UpdateSession }
}

fn refused(session: &Session, refusal: SessionRefusal) -> SessionError {
    match refusal {
        SessionRefusal::InvalidTransition(transition) => {
            SessionError::InvalidTransition { transition, rev: session.rev }
        }
        SessionRefusal::Ended => SessionError::Ended { rev: session.rev },
        SessionRefusal::Invalid(faults) => SessionError::Invalid(faults),
    }
}

fn relation(caller: &Caller, user_id: &ParticipantId) -> Relation {
    if caller.id() == user_id { Relation::Own } else { Relation::Other }
}

fn allow(caller: &Caller, action: Action, relation: Relation) -> Result<(), SessionError> {
    match decide(caller.role(), action, relation) {
        Decision::Allow => Ok(()),
        Decision::Forbid => Err(SessionError::Forbidden),
        Decision::Hide => Err(SessionError::NotFound),
    }
}
