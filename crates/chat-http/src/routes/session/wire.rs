//! What the routes of sessions take and show.

use actix_web::HttpRequest;
use chat_domain::access::View;
use chat_domain::id::{ParticipantId, SessionId, TenantId};
use chat_domain::message::{MessagePage, PageQuery, Window, newest_faults};
use chat_domain::metadata::Metadata;
use chat_domain::participant::UnreadCount;
use chat_domain::revision::{Rev, Version};
use chat_domain::session::{
    MetadataEdit, SeenSession, Session, SessionDraft, SessionPage, SessionPatch, SessionStatus, UserSessionsDraft,
};
use chat_domain::timestamp::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::extract::{Media, body, parameters};
use crate::link::Links;
use crate::routes::message::MessageView;

/// A conversation between one user and the agents of a tenant, as the caller may see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionView<'a> {
    /// A UUIDv7.
    #[schema(value_type = String, format = Uuid)]
    id: SessionId,
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "default")]
    tenant_id: &'a TenantId,
    /// The visitor.
    #[schema(value_type = String, min_length = 1, max_length = 255, example = "u-1")]
    user_id: &'a ParticipantId,
    /// The agent who serves it.
    #[schema(value_type = Option<String>, required = true, example = "agent-7")]
    agent_id: Option<&'a ParticipantId>,
    /// `waiting` (in a queue), `active`, `transferred` (handed over, not yet accepted) or `ended` (for good).
    #[schema(schema_with = crate::openapi::schema::session_status)]
    status: SessionStatus,
    /// The client's own data, as it was sent.
    #[schema(value_type = Object)]
    metadata: &'a Metadata,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Moves with every change to the session or its messages.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Set once.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    ended_at: Option<Timestamp>,
    /// The session that this one continues.
    #[schema(value_type = Option<String>, format = Uuid, required = true)]
    previous_session_id: Option<SessionId>,
    /// Counts every change to the session and to anything in it.
    #[schema(value_type = i64, minimum = 1)]
    rev: Rev,
    /// Counts the changes of the session's own fields.
    #[schema(value_type = i64, minimum = 1)]
    version: Version,
    /// Messages that the caller may see, deleted ones left out.
    #[schema(minimum = 0)]
    message_count: i64,
    /// When the newest message that the caller may see was sent, deleted since or not.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    last_message_at: Option<Timestamp>,
    /// Messages that the caller may see and has not read, without deleted ones, its own and those of the system. Exact up
    /// to 100, which stands for that and more.
    #[schema(value_type = i64, minimum = 0, maximum = 100)]
    unread_count: u8,
}

impl<'a> SessionView<'a> {
    pub(super) fn of(session: &'a Session, view: View, unread: UnreadCount) -> Self {
        let tally = session.tally(view);
        Self {
            id: session.id,
            tenant_id: &session.tenant_id,
            user_id: &session.user_id,
            agent_id: session.agent_id.as_ref(),
            status: session.state.status(),
            metadata: &session.metadata,
            created_at: session.created_at,
            updated_at: session.updated_at,
            ended_at: session.state.ended_at(),
            previous_session_id: session.previous_session_id,
            rev: session.rev,
            version: session.version,
            message_count: tally.count,
            last_message_at: tally.last_at,
            unread_count: unread.get(),
        }
    }
}

/// A session with its newest messages, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionWithMessages)]
pub(crate) struct SessionWithMessagesView<'a> {
    #[serde(flatten)]
    #[schema(inline)]
    session: SessionView<'a>,
    #[schema(value_type = Vec<MessageView<'_>>)]
    messages: Vec<MessageView<'a>>,
}

impl<'a> SessionWithMessagesView<'a> {
    pub(super) fn of(page: &'a MessagePage, view: View, unread: UnreadCount) -> Self {
        let messages = page.messages.iter().map(MessageView::from).collect();
        Self { session: SessionView::of(&page.session, view, unread), messages }
    }
}

/// Sessions, one view made after the other while they are written.
pub(super) struct SessionList<'a>(pub(super) &'a [SeenSession], pub(super) View);

impl Serialize for SessionList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|seen| SessionView::of(&seen.session, self.1, seen.unread)))
    }
}

body! {
    /// What starts a session.
    #[schema(example = json!({"user_id": "u-1", "metadata": {"page": "/pricing"}}))]
    pub(crate) struct CreateSession {
        /// The visitor. Opaque, without control characters.
        #[schema(value_type = String, required = true, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
        user_id: String,
        /// An agent who serves it from the start.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
        agent_id: String,
        /// The client's own data: at most 16 KiB as serialised and 16 levels deep, without U+0000 and doubled names.
        #[schema(value_type = Option<Object>)]
        metadata: Box<RawValue>,
        /// The session that this one continues.
        #[schema(value_type = Option<String>, format = Uuid)]
        previous_session_id: String,
    }
    faults(this, _media, _caller) { this.draft().faults() }
}

impl CreateSession {
    pub(super) fn draft(self) -> SessionDraft {
        SessionDraft {
            user_id: self.user_id,
            agent_id: self.agent_id,
            metadata: self.metadata,
            previous_session_id: self.previous_session_id,
        }
    }
}

body! {
    /// What changes a session. Only the fields that are sent change.
    #[schema(example = json!({"agent_id": "agent-7", "status": "active"}))]
    pub(crate) struct UpdateSession {
        /// The new agent; `null` for nobody.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
        agent_id: String,
        /// The new status. `ended` is the same as ending the session.
        #[schema(schema_with = crate::openapi::schema::session_status)]
        status: String,
        /// The new metadata, or with `application/merge-patch+json` what is merged into it (RFC 7396).
        #[schema(value_type = Option<Object>)]
        metadata: Box<RawValue>,
    }
    merge_patch = true;
    faults(this, media, _caller) { this.patch(media).faults() }
}

impl UpdateSession {
    pub(super) fn patch(self, media: Media) -> SessionPatch {
        let metadata_edit = match media {
            Media::Json => MetadataEdit::Replace,
            Media::MergePatch => MetadataEdit::Merge,
        };
        SessionPatch { agent_id: self.agent_id, status: self.status, metadata: self.metadata, metadata_edit }
    }
}

parameters! {
    /// How a session is shown.
    pub(crate) struct ShowSession {
        /// How many of its newest messages come with it.
        #[param(value_type = Option<i64>, minimum = 0, maximum = 1000, default = 100)]
        message_limit,
    }
    faults(this, _caller) { newest_faults(this.limit()) }
}

impl ShowSession {
    /// How many messages are asked for, as it was sent.
    pub(super) fn limit(&self) -> Option<&str> {
        self.message_limit.as_deref()
    }

    /// The messages before those that are shown.
    pub(super) fn links(&self, request: &HttpRequest, asked: &PageQuery, page: &MessagePage) -> Links {
        let mut links = Links::to(request, format_args!("/sessions/{}/messages", page.session.id));
        if let Some(Window::Between { before: Some(before), .. }) = page.prev(asked) {
            links.add("prev", &[("before", Some(&before.to_string())), ("limit", self.limit())]);
        }
        links
    }
}

parameters! {
    /// Which of a user's sessions are listed.
    pub(crate) struct ListSessions {
        /// Only sessions with the status `active`.
        #[param(value_type = Option<bool>, default = false)]
        active_only,
        /// Only sessions with this status.
        #[param(schema_with = crate::openapi::schema::session_status)]
        status,
        /// How many, at most.
        #[param(value_type = Option<i64>, minimum = 1, maximum = 1000, default = 100)]
        limit,
        /// Where a page before left off: opaque, from a `Link` header.
        #[param(value_type = Option<String>, pattern = "^[on][0-9a-f]{1,14}-[0-9a-f]{32}$")]
        cursor,
    }
    faults(this, _caller) { this.draft().faults() }
}

impl ListSessions {
    /// How many are asked for, as it was sent.
    pub(super) fn limit(&self) -> Option<&str> {
        self.limit.as_deref()
    }

    pub(super) fn draft(&self) -> UserSessionsDraft {
        UserSessionsDraft {
            active_only: self.active_only.clone(),
            status: self.status.clone(),
            limit: self.limit.clone(),
            cursor: self.cursor.clone(),
        }
    }

    /// The pages around one page.
    pub(super) fn links(&self, mut links: Links, page: &SessionPage) -> Links {
        let cursors = [("next", page.next), ("prev", page.prev)];
        let cursors = cursors.map(|(rel, cursor)| (rel, cursor.map(|cursor| cursor.encode())));
        let question = [
            ("active_only", self.active_only.as_deref()),
            ("status", self.status.as_deref()),
            ("limit", self.limit.as_deref()),
        ];
        links.add_around(cursors, &question);
        links
    }
}
