//! What the routes of messages take and show.

use chat_domain::extension::{Extension, ExtensionType};
use chat_domain::id::{ExtensionId, MessageId, ParticipantId, SessionId};
use chat_domain::message::{
    HistoryDraft, HistoryQuery, Message, MessageDraft, MessageHistory, MessagePage, MessagePatch, MessageType,
    PageDraft, PageQuery, SenderType, TextVersion, Visibility, Window,
};
use chat_domain::metadata::Metadata;
use chat_domain::revision::{Rev, Seq};
use chat_domain::session::MetadataEdit;
use chat_domain::timestamp::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::extract::{Media, body, parameters};
use crate::link::Links;

/// Something said in a session. A deleted message is a tombstone: without content, metadata and extensions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageView<'a> {
    /// A UUIDv7.
    #[schema(value_type = String, format = Uuid)]
    id: MessageId,
    #[schema(value_type = String, format = Uuid)]
    session_id: SessionId,
    /// Its place in the session: 1, 2, 3 …, in the order of commit, without gaps, never reused.
    #[schema(value_type = i64, minimum = 1)]
    seq: Seq,
    /// The session's change counter at the message's last change.
    #[schema(value_type = i64, minimum = 1)]
    rev: Rev,
    #[schema(schema_with = crate::openapi::schema::sender_type)]
    sender_type: SenderType,
    #[schema(value_type = String, min_length = 1, max_length = 255, example = "u-1")]
    sender_id: &'a ParticipantId,
    #[schema(example = "hello")]
    content: &'a str,
    #[schema(schema_with = crate::openapi::schema::message_type)]
    message_type: MessageType,
    /// The client's own data, as it was sent.
    #[schema(value_type = Object)]
    metadata: &'a Metadata,
    /// The message of the same session that this one answers.
    #[schema(value_type = Option<String>, format = Uuid, required = true)]
    reply_to: Option<MessageId>,
    /// `internal` is a note between agents, never shown to a user.
    #[schema(schema_with = crate::openapi::schema::visibility)]
    visibility: Visibility,
    is_deleted: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    edited_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    deleted_at: Option<Timestamp>,
    /// What hangs on it, oldest first.
    #[schema(value_type = Vec<ExtensionView<'_>>)]
    extensions: Vec<ExtensionView<'a>>,
}

/// Something that hangs on a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Extension)]
pub(crate) struct ExtensionView<'a> {
    #[schema(value_type = String, format = Uuid)]
    id: ExtensionId,
    #[schema(value_type = String, format = Uuid)]
    message_id: MessageId,
    /// `attachment`, `reaction`, `edit_history`, or a name of a client's own.
    #[schema(value_type = String, pattern = "^[a-z][a-z0-9_.-]{0,63}$", example = "reaction")]
    extension_type: &'a ExtensionType,
    #[schema(value_type = Object)]
    data: &'a Metadata,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a Message> for MessageView<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: message.id,
            session_id: message.session_id,
            seq: message.seq,
            rev: message.rev,
            sender_type: message.sender.sender_type,
            sender_id: &message.sender.id,
            content: &message.content,
            message_type: message.message_type,
            metadata: &message.metadata,
            reply_to: message.reply_to,
            visibility: message.visibility,
            is_deleted: message.is_deleted(),
            created_at: message.created_at,
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
            extensions: message.extensions.iter().map(ExtensionView::from).collect(),
        }
    }
}

impl<'a> From<&'a Extension> for ExtensionView<'a> {
    fn from(extension: &'a Extension) -> Self {
        Self {
            id: extension.id,
            message_id: extension.message_id,
            extension_type: &extension.extension_type,
            data: &extension.data,
            created_at: extension.created_at,
        }
    }
}

/// Messages, one view made after the other while they are written.
pub(super) struct MessageList<'a>(pub(super) &'a [Message]);

impl Serialize for MessageList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(MessageView::from))
    }
}

/// A version of a message's text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TextVersion)]
pub(crate) struct VersionView<'a> {
    #[schema(example = "hello")]
    content: &'a str,
    /// Who put it there: of the first version the message's sender.
    #[schema(value_type = String, min_length = 1, max_length = 255, example = "u-1")]
    edited_by: &'a ParticipantId,
    /// When: of the first version when the message was sent.
    #[schema(value_type = String, format = DateTime)]
    edited_at: Timestamp,
}

impl<'a> From<&'a TextVersion> for VersionView<'a> {
    fn from(version: &'a TextVersion) -> Self {
        Self { content: &version.content, edited_by: &version.edited_by, edited_at: version.edited_at }
    }
}

/// Versions, one view made after the other while they are written.
pub(super) struct VersionList<'a>(pub(super) &'a [TextVersion]);

impl Serialize for VersionList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(VersionView::from))
    }
}

body! {
    /// What is said. The sender may be left out by callers whose role says it: only a `service` must name it.
    #[schema(example = json!({"content": "hello", "sender_type": "user", "sender_id": "u-1"}))]
    pub(crate) struct CreateMessage {
        /// Not blank; it may be empty where attachments come with it.
        #[schema(value_type = String, required = true, max_length = 16384, pattern = r"^[^\u0000]*$")]
        content: String,
        /// On whose side the sender stands. Only callers whose role says it may leave it out.
        #[schema(schema_with = crate::openapi::schema::sender_type)]
        sender_type: String,
        /// Who says it. Opaque, without control characters. Only callers whose role says it may leave it out.
        #[schema(value_type = String, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
        sender_id: String,
        /// The client's own data: at most 16 KiB as serialised and 16 levels deep, without U+0000 and doubled names.
        #[schema(value_type = Option<Object>)]
        metadata: Box<RawValue>,
        /// `text` where it is left out.
        #[schema(schema_with = crate::openapi::schema::message_type)]
        message_type: String,
        /// `public` where it is left out. `internal` is a note between agents.
        #[schema(schema_with = crate::openapi::schema::visibility)]
        visibility: String,
        /// The message of the same session that this one answers.
        #[schema(value_type = Option<String>, format = Uuid)]
        reply_to: String,
        /// The attachments of the session that it is sent with, uploaded by the caller and not sent before.
        #[schema(value_type = Option<Vec<String>>, max_items = 10)]
        attachments: Vec<String>,
    }
    faults(this, _media, caller) { caller.map(|caller| this.draft().faults(caller)).unwrap_or_default() }
}

impl CreateMessage {
    pub(super) fn draft(self) -> MessageDraft {
        MessageDraft {
            content: self.content,
            sender_type: self.sender_type,
            sender_id: self.sender_id,
            metadata: self.metadata,
            message_type: self.message_type,
            visibility: self.visibility,
            reply_to: self.reply_to,
            attachments: self.attachments,
        }
    }
}

body! {
    /// What changes a message. Only the fields that are sent change.
    #[schema(example = json!({"content": "hello again"}))]
    pub(crate) struct EditMessage {
        /// The new text. Not blank; empty only where the message has attachments.
        #[schema(value_type = String, max_length = 16384, pattern = r"^([^\u0000]*[^\u0000\s\u0085][^\u0000]*)?$")]
        content: String,
        /// The new metadata, or with `application/merge-patch+json` what is merged into it (RFC 7396).
        #[schema(value_type = Option<Object>)]
        metadata: Box<RawValue>,
    }
    merge_patch = true;
    faults(this, media, _caller) { this.patch(media).faults() }
}

impl EditMessage {
    pub(super) fn patch(self, media: Media) -> MessagePatch {
        let metadata_edit = match media {
            Media::Json => MetadataEdit::Replace,
            Media::MergePatch => MetadataEdit::Merge,
        };
        MessagePatch { content: self.content, metadata: self.metadata, metadata_edit }
    }
}

parameters! {
    /// Which versions of a message's text are shown.
    pub(crate) struct ShowHistory {
        /// How many, at most.
        #[param(value_type = Option<i64>, minimum = 1, maximum = 1000, default = 100)]
        limit,
        /// How many of the oldest are left out.
        #[param(value_type = Option<i64>, minimum = 0, default = 0)]
        after,
    }
    faults(this, _caller) { this.draft().faults() }
}

impl ShowHistory {
    /// How many are asked for, as it was sent.
    pub(super) fn limit(&self) -> Option<&str> {
        self.limit.as_deref()
    }

    pub(super) fn draft(&self) -> HistoryDraft {
        HistoryDraft { limit: self.limit.clone(), after: self.after.clone() }
    }

    /// The pages around one page.
    pub(super) fn links(mut links: Links, asked: &HistoryQuery, page: &MessageHistory) -> Links {
        for (rel, query) in [("next", page.next(asked)), ("prev", page.prev(asked))] {
            if let Some(HistoryQuery { after, limit }) = query {
                let after = (after > 0).then(|| after.to_string());
                links.add(rel, &[("limit", Some(&limit.to_string())), ("after", after.as_deref())]);
            }
        }
        links
    }
}

parameters! {
    /// Which messages of a session are listed.
    pub(crate) struct ListMessages {
        /// How many, at most.
        #[param(value_type = Option<i64>, minimum = 1, maximum = 1000, default = 100)]
        limit,
        /// How many are left out from the beginning of the order. What lies deeper is reached by following `Link`.
        /// Cannot go with `after` or `before`.
        #[param(value_type = Option<i64>, minimum = 0, maximum = 10000, default = 0)]
        offset,
        /// Only messages above this `seq`: those nearest to it.
        #[param(value_type = Option<i64>, minimum = 0)]
        after,
        /// Only messages below this `seq`: those nearest to it.
        #[param(value_type = Option<i64>, minimum = 0)]
        before,
        /// By `seq`: `asc` for oldest first, `desc` for newest first.
        #[param(schema_with = crate::openapi::schema::order)]
        order,
        /// Whether tombstones are listed.
        #[param(value_type = Option<bool>, default = false)]
        include_deleted,
    }
    faults(this, _caller) { this.draft().faults() }
}

impl ListMessages {
    /// How many are asked for, as it was sent.
    pub(super) fn limit(&self) -> Option<&str> {
        self.limit.as_deref()
    }

    pub(super) fn draft(&self) -> PageDraft {
        PageDraft {
            limit: self.limit.clone(),
            offset: self.offset.clone(),
            after: self.after.clone(),
            before: self.before.clone(),
            order: self.order.clone(),
            include_deleted: self.include_deleted.clone(),
        }
    }

    /// The pages around one page.
    pub(super) fn links(&self, mut links: Links, asked: &PageQuery, page: &MessagePage) -> Links {
        for (rel, window) in [("next", page.next(asked)), ("prev", page.prev(asked))] {
            if let Some(window) = window {
                self.link(&mut links, rel, window);
            }
        }
        links
    }

    fn link(&self, links: &mut Links, rel: &str, window: Window) {
        let (offset, after, before) = match window {
            Window::Offset(offset) => (Some(offset.to_string()), None, None),
            Window::Between { after, before } => {
                (None, after.map(|seq| seq.to_string()), before.map(|seq| seq.to_string()))
            }
        };
        let parameters = [
            ("limit", self.limit.as_deref()),
            ("offset", offset.as_deref()),
            ("after", after.as_deref()),
            ("before", before.as_deref()),
            ("order", self.order.as_deref()),
            ("include_deleted", self.include_deleted.as_deref()),
        ];
        links.add(rel, &parameters);
    }
}
