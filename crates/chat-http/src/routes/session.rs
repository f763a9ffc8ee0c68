//! Sessions.

use actix_web::{HttpRequest, HttpResponse, web};
use chat_domain::access::{Caller, View};
use chat_domain::id::{ParticipantId, SessionId, TenantId};
use chat_domain::message::{MessagePage, MessageService, Window, newest_faults};
use chat_domain::metadata::Metadata;
use chat_domain::revision::{Rev, Version};
use chat_domain::session::{
    MetadataEdit, Session, SessionDraft, SessionPatch, SessionService, SessionStatus, UserSessionsDraft,
};
use chat_domain::timestamp::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::message::MessageView;
use crate::etag::{IfMatch, IfNoneMatch, Tag};
use crate::extract::{
    ApiJson, Input, Media, NoBody, NoQuery, OptionalKey, Query, SessionPath, UserPath, body, parameters,
};
use crate::link::{self, Links};
use crate::problem::Problem;
use crate::reply;

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
}

impl<'a> SessionView<'a> {
    fn of(session: &'a Session, view: View) -> Self {
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

impl<'a> From<(&'a MessagePage, View)> for SessionWithMessagesView<'a> {
    fn from((page, view): (&'a MessagePage, View)) -> Self {
        let messages = page.messages.iter().map(MessageView::from).collect();
        Self { session: SessionView::of(&page.session, view), messages }
    }
}

/// Sessions, one view made after the other while they are written.
struct SessionList<'a>(&'a [Session], View);

impl Serialize for SessionList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|session| SessionView::of(session, self.1)))
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
    fn draft(self) -> SessionDraft {
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
    fn patch(self, media: Media) -> SessionPatch {
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
    faults(this, _caller) { newest_faults(this.message_limit.as_deref()) }
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
    fn draft(&self) -> UserSessionsDraft {
        UserSessionsDraft {
            active_only: self.active_only.clone(),
            status: self.status.clone(),
            limit: self.limit.clone(),
            cursor: self.cursor.clone(),
        }
    }

    fn link(&self, links: &mut Links, rel: &str, cursor: &str) {
        let parameters = [
            ("active_only", self.active_only.as_deref()),
            ("status", self.status.as_deref()),
            ("limit", self.limit.as_deref()),
            ("cursor", Some(cursor)),
        ];
        links.add(rel, &parameters);
    }
}

/// Start a session
///
/// A `user` starts sessions of its own, without an agent.
#[utoipa::path(
    post, path = "/api/v1/sessions", operation_id = "create_session", tag = "sessions",
    request_body = CreateSession,
    responses((status = 201, description = "The session, active.", body = SessionView<'_>)),
)]
pub(crate) async fn create(
    service: web::Data<SessionService>,
    request: HttpRequest,
    Input((caller, _, key, body)): Input<(Caller, NoQuery, OptionalKey, ApiJson<CreateSession>)>,
) -> Result<HttpResponse, Problem> {
    let (draft, text) = (body.value.draft(), body.text);
    let made = service.create(&caller, draft, key.0.as_ref()).await.map_err(|error| text.explain(error))?;
    let location = link::location(&request, format_args!("/sessions/{}", made.value.id));
    let tag = Tag::new(made.value.rev, caller.view());
    reply::created(location, &tag, made.replayed, &SessionView::of(&made.value, caller.view()))
}

/// Show a session with its newest messages
///
/// `Link` with `rel="prev"` leads to the messages before them.
#[utoipa::path(
    get, path = "/api/v1/sessions/{session_id}", operation_id = "get_session", tag = "sessions",
    params(("session_id" = String, Path, format = Uuid), ShowSession),
    responses((status = 200, description = "The session, with messages oldest first.", body = SessionWithMessagesView<'_>)),
)]
pub(crate) async fn show(
    service: web::Data<MessageService>,
    request: HttpRequest,
    Input((caller, id, query, known)): Input<(Caller, SessionPath, Query<ShowSession>, IfNoneMatch)>,
) -> Result<HttpResponse, Problem> {
    let limit = query.0.message_limit.as_deref();
    let (asked, page) = service.session_with_newest(&caller, id.0, limit).await?;
    let mut links = Links::to(&request, format_args!("/sessions/{}/messages", id.0));
    if let Some(Window::Between { before: Some(before), .. }) = page.prev(&asked) {
        links.add("prev", &[("before", Some(&before.to_string())), ("limit", limit)]);
    }
    let tag = Tag::with_newest(page.session.rev, &asked);
    reply::shown(&known, &tag, Some(&links), &SessionWithMessagesView::from((&page, caller.view())))
}

/// List a user's sessions
///
/// Newest first by creation. An unknown user has none. `Link` leads to the pages around.
#[utoipa::path(
    get, path = "/api/v1/users/{user_id}/sessions", operation_id = "list_user_sessions", tag = "sessions",
    params(("user_id" = String, Path, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"), ListSessions),
    responses((status = 200, description = "A page of sessions.", body = Vec<SessionView<'_>>)),
)]
pub(crate) async fn list_of_user(
    service: web::Data<SessionService>,
    request: HttpRequest,
    Input((caller, user, query)): Input<(Caller, UserPath, Query<ListSessions>)>,
) -> Result<HttpResponse, Problem> {
    let page = service.list_of_user(&caller, user.0, query.0.draft()).await?;
    let mut links = Links::here(&request);
    for (rel, cursor) in [("next", page.next), ("prev", page.prev)] {
        if let Some(cursor) = cursor {
            query.0.link(&mut links, rel, &cursor.encode());
        }
    }
    reply::listed(&links, &SessionList(&page.sessions, caller.view()))
}

/// Change a session
///
/// Only the fields that are sent change. `metadata` is replaced, or merged (RFC 7396) when the media type is
/// `application/merge-patch+json`. Setting the status that stands changes nothing.
#[utoipa::path(
    patch, path = "/api/v1/sessions/{session_id}", operation_id = "update_session", tag = "sessions",
    params(("session_id" = String, Path, format = Uuid)),
    request_body(content((UpdateSession = "application/json"), (UpdateSession = "application/merge-patch+json"))),
    responses((status = 200, description = "The session after the change.", body = SessionView<'_>)),
)]
pub(crate) async fn update(
    service: web::Data<SessionService>,
    Input((caller, id, _, wanted, body)): Input<(Caller, SessionPath, NoQuery, IfMatch, ApiJson<UpdateSession>)>,
) -> Result<HttpResponse, Problem> {
    let (patch, text) = (body.value.patch(body.media), body.text);
    let session = service.update(&caller, id.0, patch, wanted.0).await.map_err(|error| text.explain(error))?;
    let tag = Tag::new(session.rev, caller.view());
    reply::changed(&tag, false, &SessionView::of(&session, caller.view()))
}

/// End a session
///
/// For good; ending it again changes nothing. A new session names the old one in `previous_session_id`.
#[utoipa::path(
    post, path = "/api/v1/sessions/{session_id}/end", operation_id = "end_session", tag = "sessions",
    params(("session_id" = String, Path, format = Uuid)),
    responses((status = 200, description = "The session, ended.", body = SessionView<'_>)),
)]
pub(crate) async fn end(
    service: web::Data<SessionService>,
    Input((caller, id, _, key, wanted, _)): Input<(Caller, SessionPath, NoQuery, OptionalKey, IfMatch, NoBody)>,
) -> Result<HttpResponse, Problem> {
    let ended = service.end(&caller, id.0, wanted.0, key.0.as_ref()).await?;
    let tag = Tag::new(ended.value.rev, caller.view());
    reply::changed(&tag, ended.replayed, &SessionView::of(&ended.value, caller.view()))
}
