//! What the domain needs of a store of sessions.

use std::sync::Arc;

use async_trait::async_trait;

use super::list::{SessionPage, UserSessions};
use super::model::{Session, SessionChange, SessionRefusal, Tally};
use super::state::SessionState;
use crate::error::RepositoryError;
use crate::id::{ParticipantId, SessionId, TenantId};
use crate::idempotency::Idempotency;
use crate::message::{Changes, Since};
use crate::metadata::Metadata;
use crate::precondition::Precondition;
use crate::revision::{Rev, Revision, Version};
use crate::timestamp::Timestamp;

/// Stores sessions.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SessionRepository: Send + Sync + 'static {
    /// Stores a new session, active, with the first `rev` and `version`. A repeated key returns what its first use made.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn create(&self, new: NewSession) -> Result<CreateOutcome, RepositoryError>;

    /// The session as it is now.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn find(&self, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, RepositoryError>;

    /// A page of a user's sessions; empty for an unknown user. Shared, because one page may answer many readers.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn list_of_user(&self, tenant: &TenantId, query: &UserSessions) -> Result<Arc<SessionPage>, RepositoryError>;

    /// Changes a session's own fields in one atomic step: what [`Session::changed`] makes of the session as it is under
    /// the store's lock. A repeated key changes nothing, and is seen before the precondition and the state are looked at.
    /// A key is remembered where the session was changed or was as wanted already, not where the change was refused.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn update(
        &self,
        tenant: &TenantId,
        id: SessionId,
        update: SessionUpdate,
    ) -> Result<UpdateOutcome, RepositoryError>;
}

/// Names one session of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The session.
    pub id: SessionId,
}

/// Tells how far sessions have come, from the store that decides: what makes a cached value safe to serve.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait RevisionSource: Send + Sync + 'static {
    /// The present [`Revision`] of each session, in the order of the question, read after the question came; `None` where
    /// there is no such session.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn revs(&self, sessions: Vec<SessionKey>) -> Result<Vec<Option<Revision>>, RepositoryError>;

    /// The same, and what has changed in others since one of their states: asked together, because a question costs more
    /// than what it asks for. All is read after the question came, each in the order of the question.
    ///
    /// Changes are `None` where they cannot be told, for whatever reason; a page is to be read then. A source that never
    /// tells is as right as one that does.
    ///
    /// # Errors
    /// Only when the store is at fault.
    async fn news(&self, sessions: Vec<SessionKey>, since: Vec<Since>) -> Result<News, RepositoryError> {
        Ok(News { revisions: self.revs(sessions).await?, changes: vec![None; since.len()] })
    }
}

/// How far some sessions have come, and what has changed in others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The revisions that were asked for, as [`RevisionSource::revs`] gives them.
    pub revisions: Vec<Option<Revision>>,
    /// The changes that were asked for: what [`MessagePage::moved_on`](crate::message::MessagePage::moved_on) makes a page
    /// of then into one of now.
    pub changes: Vec<Option<Arc<Changes>>>,
}

/// A session to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its new id.
    pub id: SessionId,
    /// The visitor.
    pub user_id: ParticipantId,
    /// The agent who serves it from the start.
    pub agent_id: Option<ParticipantId>,
    /// The client's own data.
    pub metadata: Metadata,
    /// The session that it continues.
    pub previous_session_id: Option<SessionId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The key of the request, where it had one.
    pub idempotency: Option<Idempotency>,
}

impl NewSession {
    /// The session that a store makes of it: active, with the first `rev` and `version`, without messages.
    #[must_use]
    pub fn to_session(&self) -> Session {
        Session {
            id: self.id,
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            agent_id: self.agent_id.clone(),
            state: SessionState::Active,
            metadata: self.metadata.clone(),
            created_at: self.created_at,
            updated_at: self.created_at,
            previous_session_id: self.previous_session_id,
            rev: Rev::FIRST,
            version: Version::FIRST,
            all_messages: Tally::default(),
            public_messages: Tally::default(),
        }
    }
}

/// What became of a new session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateOutcome {
    /// It was stored.
    Created(Session),
    /// The key had been used for the same command; this is what that made, as it is now.
    Replayed(Session),
    /// The key had been used for another command.
    KeyReused,
}

/// A change to be made to a stored session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionUpdate {
    /// What is to change.
    pub change: SessionChange,
    /// What must hold for it.
    pub precondition: Precondition,
    /// When it happens.
    pub at: Timestamp,
    /// The key of the request, where it had one.
    pub idempotency: Option<Idempotency>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// It was made; this is the session after it.
    Updated(Session),
    /// The session was as wanted already.
    Unchanged(Session),
    /// The key had been used for the same command; this is the session as it is now.
    Replayed(Session),
    /// The key had been used for another command.
    KeyReused,
    /// There is no such session in the tenant.
    Missing,
    /// The precondition does not hold.
    PreconditionFailed,
    /// The session, as given here, cannot change as wanted.
    Refused(Session, SessionRefusal),
}
