//! The message.

use serde::{Deserialize, Serialize};

use crate::access::View;
use crate::extension::Extension;
use crate::id::{MessageId, ParticipantId, SessionId};
use crate::metadata::Metadata;
use crate::named::named;
use crate::revision::{Rev, Seq};
use crate::timestamp::Timestamp;

named!(
    /// On whose side of the conversation a message stands.
    SenderType {
        /// The visitor.
        User = "user",
        /// One who serves.
        Agent = "agent",
        /// The platform itself.
        System = "system",
    }
);
named!(
    /// How the content is meant to be shown.
    MessageType {
        /// Plain text.
        Text = "text",
        /// Markdown.
        Markdown = "markdown",
        /// A picture.
        Image = "image",
        /// A file.
        File = "file",
        /// Something that happened.
        Event = "event",
    }
);
named!(
    /// Who sees a message.
    Visibility {
        /// Everyone in the session.
        Public = "public",
        /// Those who serve; never the user.
        Internal = "internal",
    }
);

impl Visibility {
    /// Whether a caller with this view sees such a message.
    #[must_use]
    pub const fn shown_in(self, view: View) -> bool {
        matches!((self, view), (Self::Public, _) | (Self::Internal, View::Full))
    }
}

/// Who says a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sender {
    /// On which side.
    pub sender_type: SenderType,
    /// Who.
    pub id: ParticipantId,
}

/// Something said in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its identity within the tenant.
    pub id: MessageId,
    /// Where it was said.
    pub session_id: SessionId,
    /// Its place there.
    pub seq: Seq,
    /// The session's `rev` at the message's last change.
    pub rev: Rev,
    /// Who said it.
    pub sender: Sender,
    /// What was said; empty in a tombstone.
    pub content: String,
    /// How the content is meant.
    pub message_type: MessageType,
    /// The client's own data; empty in a tombstone.
    pub metadata: Metadata,
    /// The message of the same session that this one answers.
    pub reply_to: Option<MessageId>,
    /// Who sees it.
    pub visibility: Visibility,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When its content last changed.
    pub edited_at: Option<Timestamp>,
    /// When it was deleted: such a message is a tombstone.
    pub deleted_at: Option<Timestamp>,
    /// What hangs on it, by time and then by id; empty in a tombstone.
    pub extensions: Vec<Extension>,
}

impl Message {
    /// Whether this is a tombstone.
    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// The message as everyone but a restore sees it: without what was deleted. Stores pass every row through this.
    #[must_use]
    pub fn shown(self) -> Self {
        if !self.is_deleted() {
            return self;
        }
        Self { content: String::new(), metadata: Metadata::default(), extensions: Vec::new(), ..self }
    }
}
