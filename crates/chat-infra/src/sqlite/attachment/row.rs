//! The row of an attachment.

use chat_domain::attachment::{Attachment, FileKey, NewAttachment};
use chat_domain::error::RepositoryError;
use chat_domain::id::{AttachmentId, MessageId, SessionId, TenantId};
use chat_domain::idempotency::Digest;
use chat_domain::timestamp::Timestamp;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::RESERVED;
use crate::sqlite::error::{failed, unreadable};
use crate::sqlite::schema::attachments;
use crate::sqlite::traced::shown;
use crate::sqlite::value::{StoredUuid, Unreadable};

/// What stands in an attachment's row, apart from its tenant, which the question named.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = attachments, check_for_backend(Sqlite))]
pub(super) struct AttachmentRow {
    id: StoredUuid,
    session_id: StoredUuid,
    message_id: Option<StoredUuid>,
    uploaded_by: String,
    uploader_role: String,
    filename: String,
    content_type: String,
    size: i64,
    sha256: Vec<u8>,
    created_at: i64,
}

impl AttachmentRow {
    /// The attachment.
    pub(super) fn into_attachment(self) -> Result<Attachment, RepositoryError> {
        self.parse().map_err(unreadable("attachment"))
    }

    fn parse(self) -> Result<Attachment, Unreadable> {
        Ok(Attachment {
            id: AttachmentId::new(self.id.0),
            session_id: SessionId::new(self.session_id.0),
            message_id: self.message_id.map(|id| MessageId::new(id.0)),
            uploaded_by: self.uploaded_by.try_into()?,
            uploader_role: self.uploader_role.parse()?,
            filename: self.filename.parse()?,
            content_type: self.content_type,
            size: u64::try_from(self.size)?,
            sha256: Digest::from_bytes(&self.sha256).ok_or("a digest has 32 bytes")?,
            created_at: Timestamp::from_micros(self.created_at)?,
        })
    }
}

/// Stores a row that is reserved.
pub(super) fn insert(connection: &mut SqliteConnection, new: &NewAttachment) -> Result<(), RepositoryError> {
    let row = (
        attachments::tenant_id.eq(new.tenant_id.as_str()),
        attachments::id.eq(StoredUuid(new.id.as_uuid())),
        attachments::stage.eq(RESERVED),
        attachments::session_id.eq(StoredUuid(new.session_id.as_uuid())),
        attachments::uploaded_by.eq(new.uploaded_by.as_str()),
        attachments::uploader_role.eq(new.uploader_role.as_str()),
        attachments::filename.eq(new.filename.as_str()),
        attachments::content_type.eq(new.content_type.as_str()),
        attachments::size.eq(number(new.size)),
        attachments::sha256.eq(new.sha256.as_bytes().as_slice()),
        attachments::created_at.eq(new.created_at.as_micros()),
    );
    let _shown = shown("reserve attachment");
    diesel::insert_into(attachments::table).values(row).execute(connection).map(drop).map_err(failed)
}

/// So many bytes, as the store keeps them.
pub(super) fn number(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The key that a row of this tenant and id stands for.
pub(super) fn key((tenant, id): (String, StoredUuid)) -> Result<FileKey, RepositoryError> {
    let tenant: Result<TenantId, _> = tenant.try_into();
    let tenant_id = tenant.map_err(|rejection| unreadable("attachment")(rejection.into()))?;
    Ok(FileKey { tenant_id, id: AttachmentId::new(id.0) })
}
