//! Appends a batch, message by message, within one transaction. A statement costs microseconds here and no round trip,
//! so nothing is gained by one big one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chat_domain::error::RepositoryError;
use chat_domain::id::{SessionId, TenantId};
use chat_domain::idempotency::Idempotency;
use chat_domain::message::{AppendOutcome, Message, NewMessage};
use chat_domain::revision::{Rev, Seq};
use diesel::prelude::*;

use super::row::{MessageRow, one_shown};
use crate::sqlite::attachment::send::{send, taken};
use crate::sqlite::audit::record;
use crate::sqlite::error::{failed, read_failed};
use crate::sqlite::head::SessionHead;
use crate::sqlite::schema::{messages, sessions};
use crate::sqlite::session::has_ended;
use crate::sqlite::traced::shown;
use crate::sqlite::value::StoredUuid;

pub(super) fn append(
    connection: &mut SqliteConnection,
    batch: &[NewMessage],
) -> Result<Vec<AppendOutcome>, RepositoryError> {
    let mut places = Places(HashMap::new());
    let outcomes = batch.iter().map(|new| append_one(connection, &mut places, new)).collect::<Result<_, _>>()?;
    places.write(connection)?;
    Ok(outcomes)
}

/// The sessions that the batch has touched, each read once and written once.
struct Places<'a>(HashMap<(&'a TenantId, SessionId), Option<Place>>);

/// A session as the batch sees it.
struct Place {
    ended: bool,
    head: SessionHead,
    changed: bool,
}

impl<'a> Places<'a> {
    fn of(
        &mut self,
        connection: &mut SqliteConnection,
        new: &'a NewMessage,
    ) -> Result<Option<&mut Place>, RepositoryError> {
        Ok(match self.0.entry((&new.tenant_id, new.session_id)) {
            Entry::Occupied(known) => known.into_mut().as_mut(),
            Entry::Vacant(unknown) => unknown.insert(Place::read(connection, new)?).as_mut(),
        })
    }

    fn write(&self, connection: &mut SqliteConnection) -> Result<(), RepositoryError> {
        for ((tenant, session), place) in &self.0 {
            if let Some(place) = place.as_ref().filter(|place| place.changed) {
                place.head.write(connection, tenant, *session)?;
            }
        }
        Ok(())
    }
}

impl Place {
    fn read(connection: &mut SqliteConnection, new: &NewMessage) -> Result<Option<Self>, RepositoryError> {
        let _shown = shown("read session");
        let row: Option<(String, SessionHead)> = sessions::table
            .filter(sessions::tenant_id.eq(new.tenant_id.as_str()))
            .filter(sessions::id.eq(StoredUuid(new.session_id.as_uuid())))
            .select((sessions::status, SessionHead::as_select()))
            .get_result(connection)
            .optional()
            .map_err(|error| read_failed("session", error))?;
        let Some((status, head)) = row else { return Ok(None) };
        Ok(Some(Self { ended: has_ended(&status)?, head, changed: false }))
    }

    fn admits(&self, new: &NewMessage) -> bool {
        new.confined_to.as_ref().is_none_or(|user| user.as_str() == self.head.user_id)
    }
}

fn append_one<'a>(
    connection: &mut SqliteConnection,
    places: &mut Places<'a>,
    new: &'a NewMessage,
) -> Result<AppendOutcome, RepositoryError> {
    let Some(place) = places.of(connection, new)?.filter(|place| place.admits(new)) else {
        return Ok(AppendOutcome::SessionMissing);
    };
    if let Some(key) = &new.idempotency
        && let Some(outcome) = replay(connection, &new.tenant_id, key)?
    {
        return Ok(outcome);
    }
    if place.ended {
        return Ok(AppendOutcome::SessionEnded { rev: Rev::new(place.head.rev) });
    }
    if let Some(id) = taken(connection, new)? {
        return Ok(AppendOutcome::AttachmentTaken(id));
    }
    let found = Some(place.head.updated_at()?);
    place.head.add_message(new.visibility, new.created_at);
    place.changed = true;
    let message = new.to_message(Seq::new(place.head.last_seq), Rev::new(place.head.rev));
    insert(connection, &new.tenant_id, &message, new.idempotency.as_ref())?;
    send(connection, &new.tenant_id, &message)?;
    if let Some(entry) = &new.audit {
        record(connection, entry)?;
    }
    Ok(AppendOutcome::Stored { message, found })
}

/// What an earlier use of the key led to, where there was one.
fn replay(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    key: &Idempotency,
) -> Result<Option<AppendOutcome>, RepositoryError> {
    let shown = shown("look for key");
    let used: Option<(Option<Vec<u8>>, MessageRow)> = messages::table
        .filter(messages::tenant_id.eq(tenant.as_str()))
        .filter(messages::idempotency_scope.eq(key.scope.as_bytes().as_slice()))
        .select((messages::idempotency_command, MessageRow::as_select()))
        .get_result(connection)
        .optional()
        .map_err(|error| read_failed("message", error))?;
    drop(shown);
    let Some((command, row)) = used else { return Ok(None) };
    if command.is_some_and(|command| command == key.command.as_bytes()) {
        Ok(Some(AppendOutcome::Replayed(one_shown(connection, tenant, row)?)))
    } else {
        Ok(Some(AppendOutcome::KeyReused))
    }
}

fn insert(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    message: &Message,
    key: Option<&Idempotency>,
) -> Result<(), RepositoryError> {
    let row = (
        messages::tenant_id.eq(tenant.as_str()),
        messages::session_id.eq(StoredUuid(message.session_id.as_uuid())),
        messages::seq.eq(message.seq.get()),
        messages::id.eq(StoredUuid(message.id.as_uuid())),
        messages::rev.eq(message.rev.get()),
        messages::sender_type.eq(message.sender.sender_type.as_str()),
        messages::sender_id.eq(message.sender.id.as_str()),
        messages::message_type.eq(message.message_type.as_str()),
        messages::visibility.eq(message.visibility.as_str()),
        messages::reply_to.eq(message.reply_to.map(|id| StoredUuid(id.as_uuid()))),
        messages::created_at.eq(message.created_at.as_micros()),
        messages::extension_count.eq(i64::try_from(message.extensions.len()).unwrap_or(i64::MAX)),
        messages::idempotency_scope.eq(key.map(|key| key.scope.as_bytes().as_slice())),
        messages::idempotency_command.eq(key.map(|key| key.command.as_bytes().as_slice())),
        messages::metadata.eq(message.metadata.as_str()),
        messages::content.eq(message.content.as_str()),
    );
    let _shown = shown("insert message");
    diesel::insert_into(messages::table).values(row).execute(connection).map(drop).map_err(failed)
}
