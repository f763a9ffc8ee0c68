//! The part of a session's row that moves with everything that happens in it.

use chat_domain::access::View;
use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::message::Visibility;
use chat_domain::revision::{Rev, Revision};
use chat_domain::session::SessionKey;
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::changes::note;
use super::error::{failed, read_failed, unreadable};
use super::schema::sessions;
use super::traced::shown;
use super::update::update;
use super::value::{StoredUuid, Unreadable};

/// The counters of a session, read and written back within one transaction of the one writer.
#[derive(Debug, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = sessions, check_for_backend(Sqlite), treat_none_as_null = true)]
pub(super) struct SessionHead {
    #[diesel(skip_update)]
    pub(super) user_id: String,
    pub(super) rev: i64,
    pub(super) last_seq: i64,
    updated_at: i64,
    message_count: i64,
    last_message_at: Option<i64>,
    public_message_count: i64,
    last_public_message_at: Option<i64>,
}

impl SessionHead {
    /// Reads the head of a session that must be there, because something in it is.
    pub(super) fn read(
        connection: &mut SqliteConnection,
        tenant: &TenantId,
        id: SessionId,
    ) -> Result<Self, RepositoryError> {
        let _shown = shown("read session");
        let head = sessions::table
            .filter(sessions::tenant_id.eq(tenant.as_str()))
            .filter(sessions::id.eq(StoredUuid(id.as_uuid())))
            .select(Self::as_select())
            .get_result(connection)
            .optional()
            .map_err(|error| read_failed("session", error))?;
        head.ok_or_else(|| unreadable("session")("what is in it is there, but the session is not".into()))
    }

    /// When the session changed last.
    pub(super) fn updated_at(&self) -> Result<Timestamp, RepositoryError> {
        Timestamp::from_micros(self.updated_at).map_err(|error| unreadable("session")(error.into()))
    }

    /// Takes the next `rev` for something that happens now, and a later time than before, as
    /// [`Timestamp::moved_on`] has it.
    pub(super) fn move_on(&mut self, now: Timestamp) {
        self.rev += 1;
        self.updated_at = self.updated_at.saturating_add(1).max(now.as_micros());
    }

    /// Counts a new message, which takes the next `seq` and the next `rev`.
    pub(super) fn add_message(&mut self, visibility: Visibility, now: Timestamp) {
        self.move_on(now);
        self.last_seq += 1;
        self.message_count += 1;
        self.last_message_at = Some(now.as_micros());
        if visibility.shown_in(View::Public) {
            self.public_message_count += 1;
            self.last_public_message_at = Some(now.as_micros());
        }
    }

    /// Counts a deleted message no more.
    pub(super) fn remove_message(&mut self, visibility: Visibility, now: Timestamp) {
        self.move_on(now);
        self.message_count -= 1;
        if visibility.shown_in(View::Public) {
            self.public_message_count -= 1;
        }
    }

    /// Counts a message again that was deleted.
    pub(super) fn restore_message(&mut self, visibility: Visibility, now: Timestamp) {
        self.move_on(now);
        self.message_count += 1;
        if visibility.shown_in(View::Public) {
            self.public_message_count += 1;
        }
    }

    /// Writes the head back. No column of an index changes, so only the table's leaf does.
    pub(super) fn write(
        &self,
        connection: &mut SqliteConnection,
        tenant: &TenantId,
        id: SessionId,
    ) -> Result<(), RepositoryError> {
        let this = sessions::tenant_id.eq(tenant.as_str()).and(sessions::id.eq(StoredUuid(id.as_uuid())));
        let _shown = shown("write session");
        self.note(tenant, id).map_err(unreadable("session"))?;
        update(sessions::table, self, this).execute(connection).map(drop).map_err(failed)
    }
    fn note(&self, tenant: &TenantId, id: SessionId) -> Result<(), Unreadable> {
        let revision = Revision { rev: Rev::new(self.rev), updated_at: Timestamp::from_micros(self.updated_at)? };
        note(SessionKey { tenant_id: tenant.clone(), id }, self.user_id.parse()?, revision);
        Ok(())
    }
}
