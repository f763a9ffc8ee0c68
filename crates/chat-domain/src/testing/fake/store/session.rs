//! The sessions, and how far they have come.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::key::Known;
use super::{FakeStore, IdGivenBefore, State, StoredSession, session_key};
use crate::error::RepositoryError;
use crate::id::{SessionId, TenantId};
use crate::message::Since;
use crate::revision::Revision;
use crate::session::{
    CreateOutcome, CursorDirection, NewSession, News, RevisionSource, SeenSession, Session, SessionKey, SessionPage,
    SessionRepository, SessionUpdate, UpdateOutcome, UserSessions,
};

#[async_trait]
impl SessionRepository for FakeStore {
    async fn create(&self, new: NewSession) -> Result<CreateOutcome, RepositoryError> {
        let mut state = self.open()?;
        match state.session_keys.look(&new.tenant_id, new.idempotency.as_ref()) {
            Known::Same(id) => {
                let made = state.session(&new.tenant_id, id).map(|stored| stored.session.clone());
                return made.map(CreateOutcome::Replayed).ok_or_else(|| RepositoryError::internal(IdGivenBefore));
            }
            Known::Other => return Ok(CreateOutcome::KeyReused),
            Known::No => {}
        }
        if state.session(&new.tenant_id, new.id).is_some() {
            return Err(RepositoryError::internal(IdGivenBefore));
        }
        let session = new.to_session();
        state.session_keys.remember(&new.tenant_id, new.idempotency, new.id, new.created_at);
        let stored = StoredSession { session: session.clone(), messages: Vec::new(), participants: BTreeMap::new() };
        state.sessions.insert(session_key(&new.tenant_id, new.id), stored);
        Ok(CreateOutcome::Created(session))
    }

    async fn find(&self, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, RepositoryError> {
        Ok(self.open()?.session(tenant, id).map(|stored| stored.session.clone()))
    }

    async fn list_of_user(&self, tenant: &TenantId, query: &UserSessions) -> Result<Arc<SessionPage>, RepositoryError> {
        let state = self.open()?;
        let asked = |session: &Session| session.tenant_id == *tenant && asked_for(session, query);
        let mut sessions: Vec<_> = state.sessions.values().filter(|stored| asked(&stored.session)).collect();
        sessions.sort_by_key(|stored| (stored.session.created_at, stored.session.id));
        if query.direction() == CursorDirection::Older {
            sessions.reverse();
        }
        let seen = |stored: &StoredSession| {
            let session = stored.session.clone();
            SeenSession { session, unread: stored.unread(&query.reader) }
        };
        let found = sessions.into_iter().take(usize::from(query.limit) + 1).map(seen).collect();
        Ok(Arc::new(SessionPage::assemble(query, found)))
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: SessionId,
        update: SessionUpdate,
    ) -> Result<UpdateOutcome, RepositoryError> {
        let state = &mut *self.open()?;
        let known = state.session_keys.look(tenant, update.idempotency.as_ref());
        let Some(stored) = state.session_mut(tenant, id) else { return Ok(UpdateOutcome::Missing) };
        let session = &mut stored.session;
        match known {
            Known::Same(_) => return Ok(UpdateOutcome::Replayed(session.clone())),
            Known::Other => return Ok(UpdateOutcome::KeyReused),
            Known::No => {}
        }
        if !update.precondition.holds(session.rev, Some(session.version)) {
            return Ok(UpdateOutcome::PreconditionFailed);
        }
        let outcome = match session.changed(&update.change, update.at) {
            Err(refusal) => return Ok(UpdateOutcome::Refused(session.clone(), refusal)),
            Ok(None) => UpdateOutcome::Unchanged(session.clone()),
            Ok(Some(changed)) => {
                session.clone_from(&changed);
                UpdateOutcome::Updated(changed)
            }
        };
        state.session_keys.remember(tenant, update.idempotency, id, update.at);
        Ok(outcome)
    }
}

#[async_trait]
impl RevisionSource for FakeStore {
    async fn revs(&self, sessions: Vec<SessionKey>) -> Result<Vec<Option<Revision>>, RepositoryError> {
        let state = self.open()?;
        Ok(sessions.iter().map(|key| revision(&state, key)).collect())
    }

    async fn news(&self, sessions: Vec<SessionKey>, since: Vec<Since>) -> Result<News, RepositoryError> {
        let state = self.open()?;
        let revisions = sessions.iter().map(|key| revision(&state, key)).collect();
        let changes = since.iter().map(|since| state.changes(since)).collect::<Result<_, _>>()?;
        Ok(News { revisions, changes })
    }
}

fn revision(state: &State, key: &SessionKey) -> Option<Revision> {
    state.sessions.get(key).map(|stored| stored.session.revision())
}

fn asked_for(session: &Session, query: &UserSessions) -> bool {
    let place = (session.created_at, session.id);
    let beyond_cursor = query.cursor.is_none_or(|cursor| match cursor.direction {
        CursorDirection::Older => place < (cursor.created_at, cursor.id),
        CursorDirection::Newer => place > (cursor.created_at, cursor.id),
    });
    let in_status = query.status.is_none_or(|status| status == session.state.status());
    session.user_id == query.user_id && in_status && beyond_cursor
}
