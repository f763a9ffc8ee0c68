//! The row of an attachment.

use chat_domain::attachment::Attachment;
use chat_domain::error::RepositoryError;
use chat_domain::id::{AttachmentId, MessageId, SessionId};
use chat_domain::idempotency::Digest;
use diesel::Queryable;
use diesel::data_types::PgTimestamp;
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Timestamptz};
use uuid::Uuid;

use crate::postgres::row::{Broken, parsed};
use crate::postgres::time::from_pg;

/// The columns that make an attachment, in the order of [`AttachmentColumns`].
pub(super) const COLUMNS: &str = "id, session_id, message_id, uploaded_by, uploader_role, filename, content_type, size, \
     sha256, created_at";

/// Their types.
pub(super) type AttachmentColumns = (
    diesel::sql_types::Uuid,
    diesel::sql_types::Uuid,
    Nullable<diesel::sql_types::Uuid>,
    Text,
    Text,
    Text,
    Text,
    BigInt,
    Binary,
    Timestamptz,
);

/// An attachment as it is stored.
#[derive(Debug, Queryable)]
pub(super) struct AttachmentRow {
    id: Uuid,
    session_id: Uuid,
    message_id: Option<Uuid>,
    uploaded_by: String,
    uploader_role: String,
    filename: String,
    content_type: String,
    size: i64,
    sha256: Vec<u8>,
    created_at: PgTimestamp,
}

impl AttachmentRow {
    /// The attachment.
    pub(super) fn into_attachment(self) -> Result<Attachment, RepositoryError> {
        self.read().map_err(|broken| broken.in_a("attachment"))
    }

    fn read(self) -> Result<Attachment, Broken> {
        Ok(Attachment {
            id: AttachmentId::new(self.id),
            session_id: SessionId::new(self.session_id),
            message_id: self.message_id.map(MessageId::new),
            uploaded_by: parsed("uploaded_by", &self.uploaded_by)?,
            uploader_role: parsed("uploader_role", &self.uploader_role)?,
            filename: parsed("filename", &self.filename)?,
            content_type: self.content_type,
            size: u64::try_from(self.size).map_err(|_| Broken("size"))?,
            sha256: Digest::from_bytes(&self.sha256).ok_or(Broken("sha256"))?,
            created_at: from_pg(self.created_at)?,
        })
    }
}
