//! Sessions.

mod wire;

use actix_web::{HttpRequest, HttpResponse, web};
use chat_domain::access::Caller;
use chat_domain::session::{SeenSession, SessionService};

use self::wire::{
    CreateSession, ListSessions, SessionList, SessionView, SessionWithMessagesView, ShowSession, UpdateSession,
};
use crate::answers::{Answers, Head, Shown};
use crate::etag::{IfMatch, IfNoneMatch, Tag};
use crate::extract::{ApiJson, Empty, Input, NoBody, NoQuery, OptionalKey, Query, SessionPath, UserPath};
use crate::link::{self, Links};
use crate::middleware::call;
use crate::problem::Problem;
use crate::reply;

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
    let made = call("create_session", service.create(&caller, draft, key.0.as_ref())).await;
    let made = made.map_err(|error| text.explain(error))?;
    let SeenSession { session, unread } = &made.value;
    let location = link::location(&request, format_args!("/sessions/{}", session.id));
    let tag = Tag::of_session(session.rev, caller.view(), *unread);
    reply::created(location, &tag, made.replayed, &SessionView::of(session, caller.view(), *unread))
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
    service: web::Data<SessionService>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    Input((caller, id, query, known)): Input<(Caller, SessionPath, Query<ShowSession>, IfNoneMatch)>,
) -> Result<HttpResponse, Problem> {
    let _turn = answers.turn(query.0.limit()).await?;
    let newest = service.with_newest(&caller, id.0, query.0.limit());
    let (asked, page, unread) = call("get_session", newest).await?;
    let tag = || Tag::with_newest(page.session.rev, &asked, unread);
    let links = || query.0.links(&request, &asked, &page);
    if let Some(known) = known.matching(tag) {
        return Ok(reply::not_modified(known, Some(&links())));
    }
    let view = caller.view();
    let head = || Head::print(Some(&tag()), &links());
    let body = || reply::print(&SessionWithMessagesView::of(&page, view, unread));
    Ok(reply::printed(answers.of(&request, &Shown::counted(&page, unread), view, head, body)?))
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
    answers: web::Data<Answers>,
    request: HttpRequest,
    Input((caller, user, query)): Input<(Caller, UserPath, Query<ListSessions>)>,
) -> Result<HttpResponse, Problem> {
    let _turn = answers.turn(query.0.limit()).await?;
    let page = call("list_user_sessions", service.list_of_user(&caller, user.0, query.0.draft())).await?;
    let (view, reader) = (caller.view(), caller.reader());
    let head = || Head::print(None, &query.0.links(Links::here(&request), &page));
    let body = || reply::print(&SessionList(&page.sessions, view));
    Ok(reply::printed(answers.of(&request, &Shown::to(&reader, &page), view, head, body)?))
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
    let session = call("update_session", service.update(&caller, id.0, patch, wanted.0)).await;
    let SeenSession { session, unread } = session.map_err(|error| text.explain(error))?;
    let tag = Tag::of_session(session.rev, caller.view(), unread);
    reply::changed(&tag, false, &SessionView::of(&session, caller.view(), unread))
}

/// End a session
///
/// For good; ending it again changes nothing. A new session names the old one in `previous_session_id`.
#[utoipa::path(
    post, path = "/api/v1/sessions/{session_id}/end", operation_id = "end_session", tag = "sessions",
    params(("session_id" = String, Path, format = Uuid)),
    request_body(content = Empty, description = "May be left out; an object has no fields."),
    responses((status = 200, description = "The session, ended.", body = SessionView<'_>)),
)]
pub(crate) async fn end(
    service: web::Data<SessionService>,
    Input((caller, id, _, key, wanted, _)): Input<(Caller, SessionPath, NoQuery, OptionalKey, IfMatch, NoBody)>,
) -> Result<HttpResponse, Problem> {
    let ended = call("end_session", service.end(&caller, id.0, wanted.0, key.0.as_ref())).await?;
    let SeenSession { session, unread } = &ended.value;
    let tag = Tag::of_session(session.rev, caller.view(), *unread);
    reply::changed(&tag, ended.replayed, &SessionView::of(session, caller.view(), *unread))
}
