//! Dooming and forgetting, some hundred rows a transaction.

use chat_domain::attachment::FileKey;
use chat_domain::error::RepositoryError;
use chat_domain::id::{MessageId, TenantId};
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;

use super::keep::{count, row, used};
use super::row::{key, number};
use super::{DOOMED, RESERVED, STORED};
use crate::sqlite::error::{failed, read_failed};
use crate::sqlite::limit::at_most;
use crate::sqlite::schema::attachments;
use crate::sqlite::traced::shown;
use crate::sqlite::update::update;
use crate::sqlite::value::StoredUuid;

/// How many are doomed at once.
const AT_ONCE: i64 = 100;

pub(super) fn doom(
    connection: &mut SqliteConnection,
    reserved: Timestamp,
    unsent: Timestamp,
) -> Result<Vec<FileKey>, RepositoryError> {
    let mut doomed = Vec::new();
    for (stage, before) in [(DOOMED, Timestamp::MAX), (RESERVED, reserved), (STORED, unsent)] {
        doomed.extend(doom_stage(connection, stage, before)?);
    }
    Ok(doomed)
}

/// The oldest of a stage.
fn doom_stage(
    connection: &mut SqliteConnection,
    stage: &str,
    before: Timestamp,
) -> Result<Vec<FileKey>, RepositoryError> {
    let shown = shown("doom attachments");
    let oldest = attachments::table
        .filter(attachments::message_id.is_null())
        .filter(attachments::stage.eq(stage))
        .filter(attachments::created_at.lt(before.as_micros()))
        .order(attachments::created_at)
        .select((attachments::tenant_id, attachments::id));
    let old = at_most(AT_ONCE, oldest).load::<(String, StoredUuid)>(connection);
    let old = old.map_err(|error| read_failed("attachment", error))?;
    for (tenant, id) in &old {
        let this = attachments::tenant_id.eq(tenant).and(attachments::id.eq(*id));
        update(attachments::table, attachments::stage.eq(DOOMED), this).execute(connection).map_err(failed)?;
    }
    drop(shown);
    old.into_iter().map(key).collect()
}

pub(super) fn doom_sent(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    messages: &[MessageId],
) -> Result<(), RepositoryError> {
    let _shown = shown("doom attachments");
    for message in messages {
        let message = attachments::message_id.eq(StoredUuid(message.as_uuid()));
        let of_message = attachments::tenant_id.eq(tenant.as_str()).and(message);
        let changes = (attachments::stage.eq(DOOMED), attachments::message_id.eq(None::<StoredUuid>));
        let doomed = update(attachments::table, changes, of_message).indexed_by("attachments_by_message");
        doomed.execute(connection).map_err(failed)?;
    }
    Ok(())
}

/// The rows go, and what they took of their tenants' room comes back, once.
pub(super) fn forget(connection: &mut SqliteConnection, keys: &[FileKey]) -> Result<(), RepositoryError> {
    for FileKey { tenant_id, id } in keys {
        let found = row(connection, tenant_id, *id)?.filter(|(stage, _)| stage != STORED);
        let Some((_, row)) = found else { continue };
        let size = number(row.into_attachment()?.size);
        let shown = shown("forget attachments");
        let this = attachments::tenant_id.eq(tenant_id.as_str()).and(attachments::id.eq(StoredUuid(id.as_uuid())));
        diesel::delete(attachments::table.filter(this)).execute(connection).map_err(failed)?;
        drop(shown);
        let bytes = used(connection, tenant_id)?.unwrap_or(0).saturating_sub(size).max(0);
        count(connection, tenant_id, true, bytes)?;
    }
    Ok(())
}

pub(super) fn strays(connection: &mut SqliteConnection, keys: &[FileKey]) -> Result<Vec<FileKey>, RepositoryError> {
    let mut strays = Vec::new();
    for key in keys {
        if row(connection, &key.tenant_id, key.id)?.is_none() {
            strays.push(key.clone());
        }
    }
    Ok(strays)
}
