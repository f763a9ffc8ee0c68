//! The sessions: create, find, list, change.

use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::id::{ParticipantId, SessionId, TenantId};
use chat_domain::idempotency::Idempotency;
use chat_domain::metadata::Metadata;
use chat_domain::revision::{Rev, Version};
use chat_domain::session::{
    CreateOutcome, NewSession, SeenSession, Session, SessionPage, SessionRepository, SessionState, SessionStatus,
    SessionUpdate, Tally, UpdateOutcome, UserSessions,
};
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::SqliteStore;
use super::changes::note_session;
use super::error::{failed, read_failed, unreadable};
use super::idempotency::{Known, look, remember};
use super::schema::sessions;
use super::session_list::UserSessionRows;
use super::store::Threads;
use super::traced::shown;
use super::unread::counted;
use super::update::update;
use super::user_lists::UserLists;
use super::value::{StoredUuid, Unreadable, time};
use crate::operation::{Observed, Operation};

/// The sessions of an SQLite store.
pub struct SqliteSessions {
    threads: Observed<Threads>,
    lists: UserLists,
}

impl SqliteSessions {
    /// The sessions of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { threads: store.observed.clone(), lists: store.user_lists.clone() }
    }
}

#[async_trait]
impl SessionRepository for SqliteSessions {
    async fn create(&self, new: NewSession) -> Result<CreateOutcome, RepositoryError> {
        let create = move |connection: &mut _| create(connection, &new);
        self.threads.run(Operation::SessionsCreate, |to| to.writer.write(create)).await
    }

    async fn find(&self, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, RepositoryError> {
        let tenant = tenant.clone();
        let find = move |connection: &mut _| find(connection, &tenant, id);
        self.threads.run(Operation::SessionsFind, |to| to.readers.read(find)).await
    }

    async fn list_of_user(&self, tenant: &TenantId, query: &UserSessions) -> Result<Arc<SessionPage>, RepositoryError> {
        let place = match self.lists.look(tenant, query) {
            Ok(page) => return Ok(page),
            Err(place) => place,
        };
        let (tenant, query) = (tenant.clone(), query.clone());
        let list = move |connection: &mut _| list_of_user(connection, &tenant, &query).map(Arc::new);
        let page = self.threads.run(Operation::SessionsList, |to| to.readers.read(list)).await?;
        self.lists.keep(place, &page);
        Ok(page)
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: SessionId,
        update: SessionUpdate,
    ) -> Result<UpdateOutcome, RepositoryError> {
        let tenant = tenant.clone();
        let change = move |connection: &mut _| change(connection, &tenant, id, &update);
        self.threads.run(Operation::SessionsUpdate, |to| to.writer.write(change)).await
    }
}

/// A session's row, apart from its tenant, which the question named.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(Sqlite))]
pub(super) struct SessionRow {
    id: StoredUuid,
    user_id: String,
    agent_id: Option<String>,
    status: String,
    ended_at: Option<i64>,
    previous_session_id: Option<StoredUuid>,
    created_at: i64,
    updated_at: i64,
    rev: i64,
    version: i64,
    message_count: i64,
    last_message_at: Option<i64>,
    public_message_count: i64,
    last_public_message_at: Option<i64>,
    metadata: String,
}

impl SessionRow {
    fn into_session(self, tenant: &TenantId) -> Result<Session, RepositoryError> {
        self.parse(tenant).map_err(unreadable("session"))
    }

    fn parse(self, tenant: &TenantId) -> Result<Session, Unreadable> {
        let state = SessionState::from_stored(self.status.parse()?, time(self.ended_at)?);
        Ok(Session {
            id: SessionId::new(self.id.0),
            tenant_id: tenant.clone(),
            user_id: self.user_id.try_into()?,
            agent_id: self.agent_id.map(ParticipantId::try_from).transpose()?,
            state: state.ok_or("status and end contradict each other")?,
            metadata: Metadata::from_stored(self.metadata)?,
            created_at: Timestamp::from_micros(self.created_at)?,
            updated_at: Timestamp::from_micros(self.updated_at)?,
            previous_session_id: self.previous_session_id.map(|id| SessionId::new(id.0)),
            rev: Rev::new(self.rev),
            version: Version::new(self.version),
            all_messages: Tally { count: self.message_count, last_at: time(self.last_message_at)? },
            public_messages: Tally { count: self.public_message_count, last_at: time(self.last_public_message_at)? },
        })
    }
}

/// The session, within whatever transaction there is.
pub(super) fn find(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: SessionId,
) -> Result<Option<Session>, RepositoryError> {
    let _shown = shown("find session");
    let row = sessions::table
        .filter(sessions::tenant_id.eq(tenant.as_str()))
        .filter(sessions::id.eq(StoredUuid(id.as_uuid())))
        .select(SessionRow::as_select())
        .get_result(connection)
        .optional()
        .map_err(|error| read_failed("session", error))?;
    row.map(|row| row.into_session(tenant)).transpose()
}

fn list_of_user(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    query: &UserSessions,
) -> Result<SessionPage, RepositoryError> {
    let _shown = shown("list sessions");
    let rows = UserSessionRows::new(tenant, query).load::<(SessionRow, i64)>(connection);
    let rows = rows.map_err(|error| read_failed("session", error))?;
    let seen = |(row, unread): (SessionRow, i64)| {
        Ok(SeenSession { session: row.into_session(tenant)?, unread: counted(unread)? })
    };
    let found = rows.into_iter().map(seen).collect::<Result<_, RepositoryError>>()?;
    Ok(SessionPage::assemble(query, found))
}

fn create(connection: &mut SqliteConnection, new: &NewSession) -> Result<CreateOutcome, RepositoryError> {
    match look(connection, &new.tenant_id, new.idempotency.as_ref())? {
        Known::No => {}
        Known::Other => return Ok(CreateOutcome::KeyReused),
        Known::Same(id) => {
            let made = find(connection, &new.tenant_id, SessionId::new(id))?;
            let missing = || unreadable("idempotency key")("the session that it made is not there".into());
            return made.map(CreateOutcome::Replayed).ok_or_else(missing);
        }
    }
    let session = new.to_session();
    insert(connection, &session)?;
    keep_key(connection, &session, new.idempotency.as_ref(), new.created_at)?;
    Ok(CreateOutcome::Created(session))
}

fn insert(connection: &mut SqliteConnection, session: &Session) -> Result<(), RepositoryError> {
    let row = (
        sessions::tenant_id.eq(session.tenant_id.as_str()),
        sessions::id.eq(StoredUuid(session.id.as_uuid())),
        sessions::user_id.eq(session.user_id.as_str()),
        sessions::agent_id.eq(session.agent_id.as_ref().map(ParticipantId::as_str)),
        sessions::status.eq(session.state.status().as_str()),
        sessions::previous_session_id.eq(session.previous_session_id.map(|id| StoredUuid(id.as_uuid()))),
        sessions::created_at.eq(session.created_at.as_micros()),
        sessions::updated_at.eq(session.updated_at.as_micros()),
        sessions::rev.eq(session.rev.get()),
        sessions::version.eq(session.version.get()),
        sessions::last_seq.eq(0),
        sessions::message_count.eq(0),
        sessions::public_message_count.eq(0),
        sessions::metadata.eq(session.metadata.as_str()),
    );
    let _shown = shown("insert session");
    note_session(session);
    diesel::insert_into(sessions::table).values(row).execute(connection).map(drop).map_err(failed)
}

fn change(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: SessionId,
    wanted: &SessionUpdate,
) -> Result<UpdateOutcome, RepositoryError> {
    let Some(session) = find(connection, tenant, id)? else { return Ok(UpdateOutcome::Missing) };
    let key = wanted.idempotency.as_ref();
    match look(connection, tenant, key)? {
        Known::No => {}
        Known::Other => return Ok(UpdateOutcome::KeyReused),
        Known::Same(_) => return Ok(UpdateOutcome::Replayed(session)),
    }
    if !wanted.precondition.holds(session.rev, Some(session.version)) {
        return Ok(UpdateOutcome::PreconditionFailed);
    }
    match session.changed(&wanted.change, wanted.at) {
        Err(refusal) => Ok(UpdateOutcome::Refused(session, refusal)),
        Ok(None) => {
            keep_key(connection, &session, key, wanted.at)?;
            Ok(UpdateOutcome::Unchanged(session))
        }
        Ok(Some(changed)) => {
            write(connection, &changed)?;
            keep_key(connection, &changed, key, wanted.at)?;
            Ok(UpdateOutcome::Updated(changed))
        }
    }
}

/// Writes the session's own fields back.
fn write(connection: &mut SqliteConnection, session: &Session) -> Result<(), RepositoryError> {
    let tenant = sessions::tenant_id.eq(session.tenant_id.as_str());
    let this = tenant.and(sessions::id.eq(StoredUuid(session.id.as_uuid())));
    let changes = (
        sessions::agent_id.eq(session.agent_id.as_ref().map(ParticipantId::as_str)),
        sessions::status.eq(session.state.status().as_str()),
        sessions::ended_at.eq(session.state.ended_at().map(Timestamp::as_micros)),
        sessions::updated_at.eq(session.updated_at.as_micros()),
        sessions::rev.eq(session.rev.get()),
        sessions::version.eq(session.version.get()),
        sessions::metadata.eq(session.metadata.as_str()),
    );
    let _shown = shown("write session");
    note_session(session);
    update(sessions::table, changes, this).execute(connection).map(drop).map_err(failed)
}

fn keep_key(
    connection: &mut SqliteConnection,
    session: &Session,
    key: Option<&Idempotency>,
    at: Timestamp,
) -> Result<(), RepositoryError> {
    key.map_or(Ok(()), |key| remember(connection, &session.tenant_id, key, session.id.as_uuid(), at))
}

/// What the append of messages asks of a session's state.
pub(super) fn has_ended(status: &str) -> Result<bool, RepositoryError> {
    let status: SessionStatus = status.parse().map_err(|error| RepositoryError::corrupt("session", error))?;
    Ok(status == SessionStatus::Ended)
}
