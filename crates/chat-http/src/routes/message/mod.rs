//! Messages.

mod wire;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use chat_domain::access::Caller;
use chat_domain::message::MessageService;

use self::wire::{CreateMessage, EditMessage, ListMessages, MessageList, ShowHistory, VersionList, VersionView};
pub(crate) use self::wire::{ExtensionView, MessageView};
use crate::answers::{Answers, Head, Shown};
use crate::etag::{IfMatch, IfNoneMatch, Tag};
use crate::extract::{ApiJson, Empty, Input, MessagePath, NoBody, NoQuery, OptionalKey, Query, SessionPath};
use crate::link::{self, Links};
use crate::middleware::call;
use crate::problem::Problem;
use crate::reply;

/// Write a message
///
/// It is durable when it is answered. A `user` writes as itself, an agent as itself, a `service` for anyone.
#[utoipa::path(
    post, path = "/api/v1/sessions/{session_id}/messages", operation_id = "create_message", tag = "messages",
    params(("session_id" = String, Path, format = Uuid)),
    request_body = CreateMessage,
    responses((status = 201, description = "The message.", body = MessageView<'_>)),
)]
pub(crate) async fn create(
    service: web::Data<MessageService>,
    request: HttpRequest,
    Input((caller, session, _, key, body)): Input<(Caller, SessionPath, NoQuery, OptionalKey, ApiJson<CreateMessage>)>,
) -> Result<HttpResponse, Problem> {
    let (draft, text) = (body.value.draft(), body.text);
    let made = call("create_message", service.create(&caller, session.0, draft, key.0.as_ref())).await;
    let made = made.map_err(|error| text.explain(error))?;
    let location = link::location(&request, format_args!("/messages/{}", made.value.id));
    let tag = Tag::new(made.value.rev, caller.view());
    reply::created(location, &tag, made.replayed, &MessageView::from(&made.value))
}

/// List a session's messages
///
/// By `seq`. `Link` leads to the pages around, and stays good while messages are written.
#[utoipa::path(
    get, path = "/api/v1/sessions/{session_id}/messages", operation_id = "list_messages", tag = "messages",
    params(("session_id" = String, Path, format = Uuid), ListMessages),
    responses((status = 200, description = "A page of messages.", body = Vec<MessageView<'_>>)),
)]
pub(crate) async fn list(
    service: web::Data<MessageService>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    Input((caller, session, query, known)): Input<(Caller, SessionPath, Query<ListMessages>, IfNoneMatch)>,
) -> Result<HttpResponse, Problem> {
    let _turn = answers.turn(query.0.limit()).await?;
    let (asked, page) = call("list_messages", service.list(&caller, session.0, &query.0.draft())).await?;
    let tag = || Tag::of_page(page.session.rev, &asked);
    let links = || query.0.links(Links::here(&request), &asked, &page);
    if let Some(known) = known.matching(tag) {
        return Ok(reply::not_modified(known, Some(&links())));
    }
    let shown = Shown::part(&page, &page.messages);
    let head = || Head::print(Some(&tag()), &links());
    let body = || reply::print(&MessageList(&page.messages));
    Ok(reply::printed(answers.of(&request, &shown, caller.view(), head, body)?))
}

/// Show a message
///
/// Or its tombstone.
#[utoipa::path(
    get, path = "/api/v1/messages/{message_id}", operation_id = "get_message", tag = "messages",
    params(("message_id" = String, Path, format = Uuid)),
    responses((status = 200, description = "The message.", body = MessageView<'_>)),
)]
pub(crate) async fn show(
    service: web::Data<MessageService>,
    Input((caller, id, _, known)): Input<(Caller, MessagePath, NoQuery, IfNoneMatch)>,
) -> Result<HttpResponse, Problem> {
    let message = call("get_message", service.find(&caller, id.0)).await?;
    reply::shown(&known, &Tag::new(message.rev, caller.view()), &MessageView::from(&message))
}

/// Edit a message
///
/// Only the fields that are sent change. The text that stood there stays in the message's history; the same text is no edit.
/// `metadata` is replaced, or merged (RFC 7396) when the media type is `application/merge-patch+json`. A `user` edits its own
/// messages within 15 minutes, agents and supervisors their own, an `admin` and a `service` any.
#[utoipa::path(
    patch, path = "/api/v1/messages/{message_id}", operation_id = "edit_message", tag = "messages",
    params(("message_id" = String, Path, format = Uuid)),
    request_body(content((EditMessage = "application/json"), (EditMessage = "application/merge-patch+json"))),
    responses((status = 200, description = "The message after the change.", body = MessageView<'_>)),
)]
pub(crate) async fn edit(
    service: web::Data<MessageService>,
    Input((caller, id, _, wanted, body)): Input<(Caller, MessagePath, NoQuery, IfMatch, ApiJson<EditMessage>)>,
) -> Result<HttpResponse, Problem> {
    let (patch, text) = (body.value.patch(body.media), body.text);
    let message = call("edit_message", service.edit(&caller, id.0, patch, wanted.0)).await;
    let message = message.map_err(|error| text.explain(error))?;
    reply::changed(&Tag::new(message.rev, caller.view()), false, &MessageView::from(&message))
}

/// Show what a message has read
///
/// Every version of its text, oldest first, the present one last, with who put it there and when. For all who may see the
/// message. A deleted message has none until it is restored. `Link` leads to the pages around.
#[utoipa::path(
    get, path = "/api/v1/messages/{message_id}/history", operation_id = "get_message_history", tag = "messages",
    params(("message_id" = String, Path, format = Uuid), ShowHistory),
    responses((status = 200, description = "A page of versions.", body = Vec<VersionView<'_>>)),
)]
pub(crate) async fn history(
    service: web::Data<MessageService>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    Input((caller, id, query, known)): Input<(Caller, MessagePath, Query<ShowHistory>, IfNoneMatch)>,
) -> Result<HttpResponse, Problem> {
    let _turn = answers.turn(query.0.limit()).await?;
    let found = call("get_message_history", service.history(&caller, id.0, &query.0.draft())).await?;
    let (asked, history) = (found.0, Arc::new(found.1));
    let tag = || Tag::of_history(history.message.rev, caller.view(), &asked);
    let links = || ShowHistory::links(Links::here(&request), &asked, &history);
    if let Some(known) = known.matching(tag) {
        return Ok(reply::not_modified(known, Some(&links())));
    }
    let head = || Head::print(Some(&tag()), &links());
    let body = || reply::print(&VersionList(&history.versions));
    Ok(reply::printed(answers.of(&request, &Shown::whole(&history), caller.view(), head, body)?))
}

/// Restore a deleted message
///
/// It is again as it was, with what hung on it. Restoring one that is not deleted changes nothing. For a `supervisor`, an
/// `admin` or a `service`.
#[utoipa::path(
    post, path = "/api/v1/messages/{message_id}/restore", operation_id = "restore_message", tag = "messages",
    params(("message_id" = String, Path, format = Uuid)),
    request_body(content = Empty, description = "May be left out; an object has no fields."),
    responses((status = 200, description = "The message.", body = MessageView<'_>)),
)]
pub(crate) async fn restore(
    service: web::Data<MessageService>,
    Input((caller, id, _, key, wanted, _)): Input<(Caller, MessagePath, NoQuery, OptionalKey, IfMatch, NoBody)>,
) -> Result<HttpResponse, Problem> {
    let restored = call("restore_message", service.restore(&caller, id.0, wanted.0, key.0.as_ref())).await?;
    let tag = Tag::new(restored.value.rev, caller.view());
    reply::changed(&tag, restored.replayed, &MessageView::from(&restored.value))
}

/// Delete a message
///
/// It becomes a tombstone; deleting it again changes nothing.
#[utoipa::path(
    delete, path = "/api/v1/messages/{message_id}", operation_id = "delete_message", tag = "messages",
    params(("message_id" = String, Path, format = Uuid)),
    responses((status = 200, description = "The tombstone.", body = MessageView<'_>)),
)]
pub(crate) async fn remove(
    service: web::Data<MessageService>,
    Input((caller, id, _, wanted)): Input<(Caller, MessagePath, NoQuery, IfMatch)>,
) -> Result<HttpResponse, Problem> {
    let message = call("delete_message", service.remove(&caller, id.0, wanted.0)).await?;
    reply::changed(&Tag::new(message.rev, caller.view()), false, &MessageView::from(&message))
}
