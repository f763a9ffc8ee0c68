//! Messages.

mod wire;

use actix_web::{HttpRequest, HttpResponse, web};
use chat_domain::access::Caller;
use chat_domain::message::MessageService;

pub(crate) use self::wire::MessageView;
use self::wire::{CreateMessage, ListMessages, MessageList};
use crate::answers::{Answers, Head, Shown};
use crate::etag::{IfMatch, IfNoneMatch, Tag};
use crate::extract::{ApiJson, Input, MessagePath, NoQuery, OptionalKey, Query, SessionPath};
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
    let shown = Shown { page: &page, body: &page.messages };
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
