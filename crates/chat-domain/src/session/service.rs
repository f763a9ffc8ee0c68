//! The use cases of sessions: check, ask the rule book, write, tell.

use std::sync::Arc;

use super::draft::{CheckedSession, SessionDraft, SessionPatch};
use super::list::{SeenSession, SessionPage, UserSessionsDraft};
use super::model::{Session, SessionChange, SessionRefusal};
use super::port::{CreateOutcome, NewSession, SessionRepository, SessionUpdate, UpdateOutcome};
use super::state::{InvalidTransition, SessionStatus};
use crate::access::{Action, Caller, Denied, Guard, Guarded, Permit};
use crate::audit::Thing;
use crate::clock::{Clock, IdSource};
use crate::error::RepositoryError;
use crate::event::{ChangeKind, EventPublisher, SessionChanged};
use crate::fault::{Faults, Rejection};
use crate::id::{ParticipantId, SessionId};
use crate::idempotency::{Idempotency, IdempotencyKey};
use crate::message::{MessagePage, MessagePages, PageQuery};
use crate::outcome::Written;
use crate::participant::{UnreadCount, UnreadCounts};
use crate::precondition::Precondition;
use crate::query;
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

impl From<Denied> for SessionError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Forbidden => Self::Forbidden,
            Denied::Hidden => Self::NotFound,
        }
    }
}

/// The use cases of sessions.
pub struct SessionService {
    sessions: Guarded<dyn SessionRepository>,
    pages: Guarded<dyn MessagePages>,
    counts: Guarded<dyn UnreadCounts>,
    events: Arc<dyn EventPublisher>,
    guard: Guard,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl SessionService {
    /// Puts the use cases on top of their ports.
    #[must_use]
    pub fn new(
        sessions: Arc<dyn SessionRepository>,
        pages: Arc<dyn MessagePages>,
        counts: Arc<dyn UnreadCounts>,
        events: Arc<dyn EventPublisher>,
        guard: Guard,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        let (pages, counts) = (Guarded::new(pages), Guarded::new(counts));
        Self { sessions: Guarded::new(sessions), pages, counts, events, guard, clock, ids }
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
    ) -> Result<Written<SeenSession>, SessionError> {
        let checked = draft.check()?;
        let permit = self.allow_create(caller, &checked)?;
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
        match self.sessions.with(&permit).create(new).await? {
            CreateOutcome::Created(session) => {
                self.tell(&permit, &session).await;
                Ok(Written::fresh(SeenSession { session, unread: UnreadCount::NONE }))
            }
            CreateOutcome::Replayed(session) => Ok(Written::replayed(self.seen(&permit, caller, session).await?)),
            CreateOutcome::KeyReused => Err(SessionError::KeyReused),
        }
    }

    /// A session that the caller may see.
    ///
    /// # Errors
    /// [`SessionError::NotFound`] also where the caller may not see it; a store at fault.
    pub async fn find(&self, caller: &Caller, id: SessionId) -> Result<Session, SessionError> {
        let found = self.sessions.look(|sessions| sessions.find(caller.tenant(), id)).await?;
        let found = found.ok_or(SessionError::NotFound)?;
        let relation = caller.relation_to(&found.to_judge().user_id);
        let (session, _) = self.guard.open(found, caller, Action::ReadSession, relation, || Thing::Session(id))?;
        Ok(session)
    }

    /// A session with its newest messages, oldest first, and what the caller has not read of it; `limit` is a query
    /// parameter, 0 to 1000, 100 where absent. A message that comes at the same moment may be counted and not shown.
    ///
    /// # Errors
    /// A bad limit, a session that is not there or may not be seen, a store at fault.
    pub async fn with_newest(
        &self,
        caller: &Caller,
        id: SessionId,
        limit: Option<&str>,
    ) -> Result<(PageQuery, Arc<MessagePage>, UnreadCount), SessionError> {
        let mut faults = Faults::none();
        let limit = query::limit("message_limit", limit, 0, &mut faults);
        faults.into_result()?;
        let query = PageQuery::newest(caller.view(), limit);
        let found = self.pages.look(|pages| pages.page(caller.tenant(), id, &query)).await?;
        let found = found.ok_or(SessionError::NotFound)?;
        let relation = caller.relation_to(&found.to_judge().session.user_id);
        let (page, permit) = self.guard.open(found, caller, Action::ReadSession, relation, || Thing::Session(id))?;
        let unread = self.unread(&permit, caller, &page.session).await?;
        Ok((query, page, unread))
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
    ) -> Result<Arc<SessionPage>, SessionError> {
        let (relation, thing) = (caller.relation_to(&user_id), || Thing::User(user_id.clone()));
        let permit = self.guard.ask(caller, Action::ListUserSessions, relation, thing)?;
        match draft.check(user_id, caller.reader())? {
            Some(query) => Ok(self.sessions.with(&permit).list_of_user(caller.tenant(), &query).await?),
            None => Ok(Arc::default()),
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
    ) -> Result<SeenSession, SessionError> {
        let change = patch.check()?;
        let permit = self.allow_change(caller, action_of(&change), id).await?;
        let update = SessionUpdate { change, precondition, at: self.clock.now(), idempotency: None };
        Ok(self.change(&permit, caller, id, update).await?.value)
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
    ) -> Result<Written<SeenSession>, SessionError> {
        let permit = self.allow_change(caller, Action::EndSession, id).await?;
        let change = SessionChange { status: Some(SessionStatus::Ended), ..SessionChange::default() };
        let idempotency =
            key.map(|key| Idempotency::new(key, caller, "sessions.end", &id.to_string(), &())).transpose()?;
        let update = SessionUpdate { change, precondition, at: self.clock.now(), idempotency };
        self.change(&permit, caller, id, update).await
    }

    async fn change(
        &self,
        permit: &Permit<'_>,
        caller: &Caller,
        id: SessionId,
        update: SessionUpdate,
    ) -> Result<Written<SeenSession>, SessionError> {
        let (session, replayed) = match self.sessions.with(permit).update(caller.tenant(), id, update).await? {
            UpdateOutcome::Updated(session) => {
                self.tell(permit, &session).await;
                (session, false)
            }
            UpdateOutcome::Unchanged(session) => (session, false),
            UpdateOutcome::Replayed(session) => (session, true),
            UpdateOutcome::KeyReused => return Err(SessionError::KeyReused),
            UpdateOutcome::Missing => return Err(SessionError::NotFound),
            UpdateOutcome::PreconditionFailed => return Err(SessionError::PreconditionFailed),
            UpdateOutcome::Refused(session, refusal) => return Err(refused(&session, refusal)),
        };
        Ok(Written { value: self.seen(permit, caller, session).await?, replayed })
    }

    /// The session as the caller sees it.
    async fn seen(
        &self,
        permit: &Permit<'_>,
        caller: &Caller,
        session: Session,
    ) -> Result<SeenSession, RepositoryError> {
        let unread = self.unread(permit, caller, &session).await?;
        Ok(SeenSession { session, unread })
    }

    /// What the caller has not read.
    async fn unread(
        &self,
        permit: &Permit<'_>,
        caller: &Caller,
        session: &Session,
    ) -> Result<UnreadCount, RepositoryError> {
        let Some(asked) = session.to_count(caller.view()) else { return Ok(UnreadCount::NONE) };
        let unread = self.counts.with(permit).unread(&caller.reader(), vec![asked]).await?;
        Ok(unread.first().copied().flatten().map_or(UnreadCount::NONE, |unread| unread.count))
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

    /// To name an agent from the start is the same as to assign one later.
    fn allow_create<'a>(&self, caller: &'a Caller, checked: &CheckedSession) -> Result<Permit<'a>, Denied> {
        let (relation, thing) = (caller.relation_to(&checked.user_id), || Thing::User(checked.user_id.clone()));
        let permit = self.guard.ask(caller, Action::CreateSession, relation, thing)?;
        if checked.agent_id.is_some() {
            _ = self.guard.ask(caller, Action::UpdateSession, relation, thing)?;
        }
        Ok(permit)
    }

    /// What may not be seen cannot be changed. A session never gets another user, so looking before the write is no race.
    async fn allow_change<'a>(
        &self,
        caller: &'a Caller,
        action: Action,
        id: SessionId,
    ) -> Result<Permit<'a>, SessionError> {
        let session = self.find(caller, id).await?;
        let relation = caller.relation_to(&session.user_id);
        Ok(self.guard.ask(caller, action, relation, || Thing::Session(id))?)
    }

    async fn tell(&self, permit: &Permit<'_>, session: &Session) {
        self.guard.done(permit, &Thing::Session(session.id));
        let event = SessionChanged {
            tenant_id: session.tenant_id.clone(),
            session_id: session.id,
            rev: session.rev,
            kind: ChangeKind::Session,
        };
        self.events.publish(event).await;
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
