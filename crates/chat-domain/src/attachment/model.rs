//! The attachment.

use serde::Serialize;

use super::name::FileName;
use crate::access::{Caller, Relation, Role};
use crate::id::{AttachmentId, ExtensionId, MessageId, ParticipantId, SessionId, TenantId};
use crate::idempotency::Digest;
use crate::metadata::Metadata;
use crate::timestamp::Timestamp;

/// A file that was uploaded to a session, whole and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its identity within the tenant.
    pub id: AttachmentId,
    /// Where it was uploaded to.
    pub session_id: SessionId,
    /// The message that it was sent with, once it was.
    pub message_id: Option<MessageId>,
    /// Who uploaded it.
    pub uploaded_by: ParticipantId,
    /// In which role.
    pub uploader_role: Role,
    /// What it is called.
    pub filename: FileName,
    /// What it is, as its bytes say.
    pub content_type: String,
    /// How long it is, in bytes.
    pub size: u64,
    /// The digest of all its bytes.
    pub sha256: Digest,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// What an extension says of an attachment; the same as whoever uploads it is told.
#[derive(Serialize)]
struct Told<'a> {
    id: AttachmentId,
    session_id: SessionId,
    filename: &'a FileName,
    content_type: &'a str,
    size: u64,
    sha256: String,
    created_at: Timestamp,
}

impl Attachment {
    /// The most attachments that one message is sent with.
    pub const MAX_PER_MESSAGE: usize = 10;

    /// The id of the extension by which it hangs on its message.
    #[must_use]
    pub const fn extension_id(&self) -> ExtensionId {
        ExtensionId::new(self.id.as_uuid())
    }

    /// What it is to the caller, before it was sent.
    pub(crate) fn relation_to(&self, caller: &Caller) -> Relation {
        let own = self.uploaded_by == *caller.id() && self.uploader_role == caller.role();
        if own { Relation::Own } else { Relation::Other }
    }

    /// The attachment, as it is sent with a message.
    ///
    /// # Errors
    /// Where it cannot be told as JSON within the limits of metadata, which its own limits rule out.
    pub(crate) fn enclosure(&self) -> Result<Enclosure, Untold> {
        let told = Told {
            id: self.id,
            session_id: self.session_id,
            filename: &self.filename,
            content_type: &self.content_type,
            size: self.size,
            sha256: self.sha256.to_string(),
            created_at: self.created_at,
        };
        let text = serde_json::to_string(&told).map_err(|_| Untold)?;
        Ok(Enclosure { id: self.id, data: Metadata::parse(&text).map_err(|_| Untold)? })
    }
}

/// An attachment cannot be told as an extension.
#[derive(Debug, thiserror::Error)]
#[error("an attachment cannot be told as an extension")]
pub(crate) struct Untold;

/// An attachment that a new message is sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclosure {
    /// Which.
    pub id: AttachmentId,
    /// What the extension says of it.
    pub data: Metadata,
}

impl Enclosure {
    /// The id of the extension by which it hangs on the message.
    #[must_use]
    pub const fn extension_id(&self) -> ExtensionId {
        ExtensionId::new(self.id.as_uuid())
    }
}

/// Where a file lies: nothing of it is what a client said, but for the tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileKey {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The attachment.
    pub id: AttachmentId,
}
