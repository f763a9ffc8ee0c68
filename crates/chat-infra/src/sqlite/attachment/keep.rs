//! Reserving, committing, finding.

use chat_domain::attachment::{Attachment, CommitOutcome, NewAttachment, ReserveOutcome};
use chat_domain::error::RepositoryError;
use chat_domain::id::{AttachmentId, TenantId};
use chat_domain::idempotency::Idempotency;
use diesel::prelude::*;

use super::row::{AttachmentRow, insert, number};
use super::{RESERVED, STORED};
use crate::sqlite::error::{failed, read_failed};
use crate::sqlite::schema::{attachment_usage, attachments};
use crate::sqlite::traced::shown;
use crate::sqlite::update::update;
use crate::sqlite::value::StoredUuid;

pub(super) fn reserve(
    connection: &mut SqliteConnection,
    new: &NewAttachment,
    quota: Option<u64>,
) -> Result<ReserveOutcome, RepositoryError> {
    let used = used(connection, &new.tenant_id)?;
    let together = used.unwrap_or(0).saturating_add(number(new.size));
    if quota.is_some_and(|quota| together > number(quota)) {
        return Ok(ReserveOutcome::QuotaExceeded);
    }
    count(connection, &new.tenant_id, used.is_some(), together)?;
    insert(connection, new)?;
    Ok(ReserveOutcome::Reserved)
}

/// What all files of the tenant take; none where it never had one.
pub(super) fn used(connection: &mut SqliteConnection, tenant: &TenantId) -> Result<Option<i64>, RepositoryError> {
    let _shown = shown("read usage");
    attachment_usage::table
        .filter(attachment_usage::tenant_id.eq(tenant.as_str()))
        .select(attachment_usage::bytes)
        .get_result(connection)
        .optional()
        .map_err(|error| read_failed("usage", error))
}

/// Says what they take from now on.
pub(super) fn count(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    is_there: bool,
    bytes: i64,
) -> Result<(), RepositoryError> {
    let _shown = shown("write usage");
    let bytes = attachment_usage::bytes.eq(bytes);
    let of_tenant = attachment_usage::tenant_id.eq(tenant.as_str());
    let written = if is_there {
        update(attachment_usage::table, bytes, of_tenant).execute(connection)
    } else {
        diesel::insert_into(attachment_usage::table).values((of_tenant, bytes)).execute(connection)
    };
    written.map(drop).map_err(failed)
}

pub(super) fn commit(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AttachmentId,
    key: Option<&Idempotency>,
) -> Result<CommitOutcome, RepositoryError> {
    if let Some(key) = key
        && let Some(known) = replay(connection, tenant, key)?
    {
        return Ok(known);
    }
    let (tenant_is, id_is) = (attachments::tenant_id.eq(tenant.as_str()), attachments::id.eq(StoredUuid(id.as_uuid())));
    let Some((stage, row)) = row(connection, tenant, id)? else { return Ok(CommitOutcome::Missing) };
    if stage != RESERVED {
        return Ok(CommitOutcome::Missing);
    }
    let changes = (
        attachments::stage.eq(STORED),
        attachments::idempotency_scope.eq(key.map(|key| key.scope.as_bytes().as_slice())),
        attachments::idempotency_command.eq(key.map(|key| key.command.as_bytes().as_slice())),
    );
    let _shown = shown("commit attachment");
    update(attachments::table, changes, tenant_is.and(id_is)).execute(connection).map_err(failed)?;
    row.into_attachment().map(CommitOutcome::Stored)
}

pub(super) fn replay(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    key: &Idempotency,
) -> Result<Option<CommitOutcome>, RepositoryError> {
    let shown = shown("look for key");
    let used: Option<(Option<Vec<u8>>, AttachmentRow)> = attachments::table
        .filter(attachments::tenant_id.eq(tenant.as_str()))
        .filter(attachments::idempotency_scope.eq(key.scope.as_bytes().as_slice()))
        .select((attachments::idempotency_command, AttachmentRow::as_select()))
        .get_result(connection)
        .optional()
        .map_err(|error| read_failed("attachment", error))?;
    drop(shown);
    let Some((command, row)) = used else { return Ok(None) };
    if command.is_some_and(|command| command == key.command.as_bytes()) {
        return row.into_attachment().map(CommitOutcome::Replayed).map(Some);
    }
    Ok(Some(CommitOutcome::KeyReused))
}

pub(super) fn find(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AttachmentId,
) -> Result<Option<Attachment>, RepositoryError> {
    let found = row(connection, tenant, id)?.filter(|(stage, _)| stage == STORED);
    found.map(|(_, row)| row.into_attachment()).transpose()
}

/// The row with this key, and how far it has come.
pub(super) fn row(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AttachmentId,
) -> Result<Option<(String, AttachmentRow)>, RepositoryError> {
    let _shown = shown("find attachment");
    attachments::table
        .filter(attachments::tenant_id.eq(tenant.as_str()))
        .filter(attachments::id.eq(StoredUuid(id.as_uuid())))
        .select((attachments::stage, AttachmentRow::as_select()))
        .get_result(connection)
        .optional()
        .map_err(|error| read_failed("attachment", error))
}
