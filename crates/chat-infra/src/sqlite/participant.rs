//! The participants: how far everybody has come.

use async_trait::async_trait;
use chat_domain::access::View;
use chat_domain::error::RepositoryError;
use chat_domain::id::{ParticipantId, SessionId, TenantId};
use chat_domain::participant::{MarkOutcome, Participant, ParticipantRepository, ParticipantRole, Reader, Receipt};
use chat_domain::revision::{Rev, Revision, Seq};
use chat_domain::session::SessionKey;
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::SqliteStore;
use super::changes::note;
use super::error::{failed, read_failed, unreadable};
use super::idempotency::{Known, look, remember};
use super::known_to_user::{HasSpoken, LastPublic};
use super::schema::{participants, sessions};
use super::store::Threads;
use super::traced::shown;
use super::update::update;
use super::value::{StoredUuid, Unreadable};
use crate::operation::{Observed, Operation};

/// The participants of an SQLite store.
pub struct SqliteParticipants {
    threads: Observed<Threads>,
}

impl SqliteParticipants {
    /// The participants of this store.
    #[must_use]
    pub fn new(store: &SqliteStore) -> Self {
        Self { threads: store.observed.clone() }
    }
}

#[async_trait]
impl ParticipantRepository for SqliteParticipants {
    async fn mark(
        &self,
        tenant: &TenantId,
        session: SessionId,
        receipt: Receipt,
    ) -> Result<MarkOutcome, RepositoryError> {
        let key = SessionKey { tenant_id: tenant.clone(), id: session };
        let mark = move |connection: &mut _| mark(connection, &key, &receipt);
        self.threads.run(Operation::ParticipantsMark, |to| to.writer.write(mark)).await
    }

    async fn list(&self, tenant: &TenantId, session: SessionId) -> Result<Vec<Participant>, RepositoryError> {
        let key = SessionKey { tenant_id: tenant.clone(), id: session };
        let list = move |connection: &mut _| list(connection, &key);
        self.threads.run(Operation::ParticipantsList, |to| to.readers.read(list)).await
    }
}

/// What a receipt must know of its session.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(Sqlite))]
struct Place {
    user_id: String,
    agent_id: Option<String>,
    created_at: i64,
    updated_at: i64,
    rev: i64,
    last_seq: i64,
}

impl Place {
    fn find(connection: &mut SqliteConnection, session: &SessionKey) -> Result<Option<Self>, RepositoryError> {
        let _shown = shown("read session");
        sessions::table
            .filter(sessions::tenant_id.eq(session.tenant_id.as_str()))
            .filter(sessions::id.eq(StoredUuid(session.id.as_uuid())))
            .select(Self::as_select())
            .get_result(connection)
            .optional()
            .map_err(|error| read_failed("session", error))
    }

    /// Writes the next `rev`, which alone has changed.
    fn write(&self, connection: &mut SqliteConnection, session: &SessionKey, rev: Rev) -> Result<(), RepositoryError> {
        let updated_at = time(self.updated_at)?;
        let user: ParticipantId = self.user_id.parse().map_err(|error| RepositoryError::corrupt("session", error))?;
        note(session.clone(), user, Revision { rev, updated_at });
        let this = sessions::tenant_id.eq(session.tenant_id.as_str());
        let this = this.and(sessions::id.eq(StoredUuid(session.id.as_uuid())));
        let _shown = shown("write session");
        update(sessions::table, sessions::rev.eq(rev.get()), this).execute(connection).map(drop).map_err(failed)
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = participants, check_for_backend(Sqlite))]
struct ParticipantRow {
    role: String,
    id: String,
    read_seq: i64,
    delivered_seq: i64,
    visibility: String,
    rev: i64,
    updated_at: i64,
}

impl ParticipantRow {
    fn into_participant(self, session: SessionId) -> Result<Participant, RepositoryError> {
        self.parse(session).map_err(unreadable("participant"))
    }

    fn parse(self, session_id: SessionId) -> Result<Participant, Unreadable> {
        Ok(Participant {
            session_id,
            role: self.role.parse()?,
            id: self.id.try_into()?,
            read_seq: Seq::new(self.read_seq),
            delivered_seq: Seq::new(self.delivered_seq),
            visibility: self.visibility.parse()?,
            rev: Rev::new(self.rev),
            updated_at: Timestamp::from_micros(self.updated_at)?,
        })
    }
}

fn list(connection: &mut SqliteConnection, session: &SessionKey) -> Result<Vec<Participant>, RepositoryError> {
    let _shown = shown("list participants");
    let rows = participants::table
        .filter(participants::tenant_id.eq(session.tenant_id.as_str()))
        .filter(participants::session_id.eq(StoredUuid(session.id.as_uuid())))
        .select(ParticipantRow::as_select())
        .load(connection)
        .map_err(|error| read_failed("participant", error))?;
    let mut all = rows.into_iter().map(|row| row.into_participant(session.id)).collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|one, other| (&one.id, one.role.as_str()).cmp(&(&other.id, other.role.as_str())));
    Ok(all)
}

fn mark(
    connection: &mut SqliteConnection,
    session: &SessionKey,
    receipt: &Receipt,
) -> Result<MarkOutcome, RepositoryError> {
    let (reader, key) = (&receipt.reader, receipt.idempotency.as_ref());
    let place = Place::find(connection, session)?;
    let may_see = |place: &Place| receipt.confined_to.as_ref().is_none_or(|user| user.as_str() == place.user_id);
    let Some(place) = place.filter(may_see) else { return Ok(MarkOutcome::SessionMissing) };
    let known = look(connection, &session.tenant_id, key)?;
    if matches!(known, Known::Other) {
        return Ok(MarkOutcome::KeyReused);
    }
    let stored = find(connection, session, reader)?;
    let participant = match &stored {
        Some(participant) => participant.clone(),
        None => Participant::silent(session.id, reader, time(place.created_at)?),
    };
    if matches!(known, Known::Same(_)) {
        return Ok(MarkOutcome::Replayed(participant));
    }
    let seq = receipt.seq.min(last_seen(connection, session, &place, reader)?);
    let (known_to_user, rev) = (is_known_to_user(connection, session, &place, reader)?, Rev::new(place.rev).next());
    let moved = participant.after(receipt.kind, seq, known_to_user, rev, receipt.at);
    if let Some(moved) = &moved {
        place.write(connection, session, rev)?;
        write(connection, session, moved, stored.is_some())?;
    }
    if let Some(key) = key {
        remember(connection, &session.tenant_id, key, session.id.as_uuid(), receipt.at)?;
    }
    Ok(moved.map_or(MarkOutcome::Unmoved(participant), MarkOutcome::Moved))
}

fn find(
    connection: &mut SqliteConnection,
    session: &SessionKey,
    reader: &Reader,
) -> Result<Option<Participant>, RepositoryError> {
    let _shown = shown("find participant");
    let row: Option<ParticipantRow> = participants::table
        .filter(participants::tenant_id.eq(session.tenant_id.as_str()))
        .filter(participants::session_id.eq(StoredUuid(session.id.as_uuid())))
        .filter(participants::role.eq(reader.role.as_str()))
        .filter(participants::id.eq(reader.id.as_str()))
        .select(ParticipantRow::as_select())
        .get_result(connection)
        .optional()
        .map_err(|error| read_failed("participant", error))?;
    row.map(|row| row.into_participant(session.id)).transpose()
}

fn write(
    connection: &mut SqliteConnection,
    session: &SessionKey,
    participant: &Participant,
    is_there: bool,
) -> Result<(), RepositoryError> {
    let id = StoredUuid(session.id.as_uuid());
    let changes = (
        participants::read_seq.eq(participant.read_seq.get()),
        participants::delivered_seq.eq(participant.delivered_seq.get()),
        participants::visibility.eq(participant.visibility.as_str()),
        participants::rev.eq(participant.rev.get()),
        participants::updated_at.eq(participant.updated_at.as_micros()),
    );
    let _shown = shown("write participant");
    let written = if is_there {
        let this = participants::tenant_id.eq(session.tenant_id.as_str()).and(participants::session_id.eq(id));
        let this = this.and(participants::role.eq(participant.role.as_str()));
        let this = this.and(participants::id.eq(participant.id.as_str()));
        update(participants::table, changes, this).execute(connection)
    } else {
        let key = (
            participants::tenant_id.eq(session.tenant_id.as_str()),
            participants::session_id.eq(id),
            participants::role.eq(participant.role.as_str()),
            participants::id.eq(participant.id.as_str()),
        );
        diesel::insert_into(participants::table).values((key, changes)).execute(connection)
    };
    written.map(drop).map_err(failed)
}

/// The last message that the reader sees, deleted or not.
fn last_seen(
    connection: &mut SqliteConnection,
    session: &SessionKey,
    place: &Place,
    reader: &Reader,
) -> Result<Seq, RepositoryError> {
    if reader.role.view() == View::Full {
        return Ok(Seq::new(place.last_seq));
    }
    let _shown = shown("find last message");
    let last = LastPublic::of(session).get_result::<i64>(connection);
    last.map(Seq::new).map_err(|error| read_failed("message", error))
}

/// Whether the session's user knows of the reader: it itself, who serves, who has spoken.
fn is_known_to_user(
    connection: &mut SqliteConnection,
    session: &SessionKey,
    place: &Place,
    reader: &Reader,
) -> Result<bool, RepositoryError> {
    if reader.role == ParticipantRole::User || place.agent_id.as_deref() == Some(reader.id.as_str()) {
        return Ok(true);
    }
    let _shown = shown("look for message of participant");
    let has_spoken = HasSpoken::of(session, &reader.id).get_result(connection);
    has_spoken.map_err(|error| read_failed("message", error))
}

fn time(micros: i64) -> Result<Timestamp, RepositoryError> {
    Timestamp::from_micros(micros).map_err(|error| unreadable("session")(error.into()))
}
