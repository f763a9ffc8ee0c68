//! What the routes of attachments take and show.

use chat_domain::attachment::{Attachment, FileName};
use chat_domain::id::{AttachmentId, SessionId};
use chat_domain::timestamp::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A form with one file.
#[derive(ToSchema)]
#[schema(example = json!({"file": "hello"}))]
#[expect(dead_code, reason = "it describes a form that is read piece by piece")]
pub(crate) struct UploadForm {
    /// The file. Its name and type stand in the headers of the part.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A file that was uploaded to a session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attachment)]
pub(crate) struct AttachmentView<'a> {
    /// A UUIDv7.
    #[schema(value_type = String, format = Uuid)]
    id: AttachmentId,
    #[schema(value_type = String, format = Uuid)]
    session_id: SessionId,
    /// What it is called, made safe: one segment of a path, at most 255 bytes.
    #[schema(value_type = String, min_length = 1, max_length = 255, example = "cat.png")]
    filename: &'a FileName,
    /// What it is, as its bytes say.
    #[schema(example = "image/png")]
    content_type: &'a str,
    /// In bytes.
    #[schema(minimum = 1)]
    size: u64,
    /// In hexadecimal.
    #[schema(min_length = 64, max_length = 64)]
    sha256: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a Attachment> for AttachmentView<'a> {
    fn from(attachment: &'a Attachment) -> Self {
        Self {
            id: attachment.id,
            session_id: attachment.session_id,
            filename: &attachment.filename,
            content_type: &attachment.content_type,
            size: attachment.size,
            sha256: attachment.sha256.to_string(),
            created_at: attachment.created_at,
        }
    }
}
