//! What hangs on messages.

pub(crate) mod reaction;
mod wire;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use chat_domain::access::Caller;
use chat_domain::extension::ExtensionService;

use self::wire::{CreateExtension, ExtensionList, ListExtensions, links};
use crate::answers::{Answers, Head, Shown};
use crate::etag::{IfMatch, IfNoneMatch, Tag};
use crate::extract::{ApiJson, ExtensionPath, Input, MessagePath, NoQuery, OptionalKey, Query};
use crate::link::{self, Links};
use crate::middleware::call;
use crate::problem::Problem;
use crate::reply;
use crate::routes::message::ExtensionView;

/// List what hangs on a message
///
/// First what is shown with the message, then the earlier versions of its text, as extensions of the type `edit_history`;
/// each oldest first. Of a tombstone: nothing.
#[utoipa::path(
    get, path = "/api/v1/messages/{message_id}/extensions", operation_id = "list_extensions", tag = "extensions",
    params(("message_id" = String, Path, format = Uuid), ListExtensions),
    responses((status = 200, description = "The extensions.", body = Vec<ExtensionView<'_>>)),
)]
pub(crate) async fn list(
    service: web::Data<ExtensionService>,
    answers: web::Data<Answers>,
    request: HttpRequest,
    Input((caller, message, query, known)): Input<(Caller, MessagePath, Query<ListExtensions>, IfNoneMatch)>,
) -> Result<HttpResponse, Problem> {
    let _turn = answers.turn(query.0.limit()).await?;
    let found = call("list_extensions", service.list(&caller, message.0, &query.0.draft())).await?;
    let (asked, page) = (found.0, Arc::new(found.1));
    let tag = || Tag::of_history(page.rev, caller.view(), &asked);
    let links = || links(Links::here(&request), &page);
    if let Some(known) = known.matching(tag) {
        return Ok(reply::not_modified(known, Some(&links())));
    }
    let head = || Head::print(Some(&tag()), &links());
    let body = || reply::print(&ExtensionList(&page.extensions));
    Ok(reply::printed(answers.of(&request, &Shown::whole(&page), caller.view(), head, body)?))
}

/// Hang something on a message
///
/// Of a type of one's own. Attachments come with a message when that is created, reactions and earlier versions of the text
/// have routes of their own. A message holds at most 100 extensions, reactions and attachments among them, and those of
/// clients' own types have at most 128 KiB of `data` together: else a 409. After a session's end it still works.
#[utoipa::path(
    post, path = "/api/v1/messages/{message_id}/extensions", operation_id = "create_extension", tag = "extensions",
    params(("message_id" = String, Path, format = Uuid)),
    request_body = CreateExtension,
    responses((status = 201, description = "The extension.", body = ExtensionView<'_>)),
)]
pub(crate) async fn create(
    service: web::Data<ExtensionService>,
    request: HttpRequest,
    Input((caller, message, _, key, body)): Input<(
        Caller,
        MessagePath,
        NoQuery,
        OptionalKey,
        ApiJson<CreateExtension>,
    )>,
) -> Result<HttpResponse, Problem> {
    let (draft, text) = (body.value.draft(), body.text);
    let made = call("create_extension", service.add(&caller, message.0, draft, key.0.as_ref())).await;
    let made = made.map_err(|error| text.explain(error))?;
    let (extension, rev) = &made.value;
    let location = format_args!("/messages/{}/extensions/{}", message.0, extension.id);
    let location = link::location(&request, location);
    reply::created(location, &Tag::new(*rev, caller.view()), made.replayed, &ExtensionView::from(extension))
}

/// Show what hangs on a message
///
/// Earlier versions of its text stand in its history and in the list of its extensions alone.
#[utoipa::path(
    get, path = "/api/v1/messages/{message_id}/extensions/{extension_id}", operation_id = "get_extension",
    tag = "extensions",
    params(("message_id" = String, Path, format = Uuid), ("extension_id" = String, Path, format = Uuid)),
    responses((status = 200, description = "The extension.", body = ExtensionView<'_>)),
)]
pub(crate) async fn show(
    service: web::Data<ExtensionService>,
    Input((caller, message, id, _, known)): Input<(Caller, MessagePath, ExtensionPath, NoQuery, IfNoneMatch)>,
) -> Result<HttpResponse, Problem> {
    let (extension, rev) = call("get_extension", service.find(&caller, message.0, id.0)).await?;
    reply::shown(&known, &Tag::new(rev, caller.view()), &ExtensionView::from(&extension))
}

/// Take something off a message
///
/// Whoever made it may, and a `supervisor`, an `admin` and a `service`. Attachments and earlier versions of the text stay.
/// Once it is gone it is a 404. `If-Match` is about the message.
#[utoipa::path(
    delete, path = "/api/v1/messages/{message_id}/extensions/{extension_id}", operation_id = "delete_extension",
    tag = "extensions",
    params(("message_id" = String, Path, format = Uuid), ("extension_id" = String, Path, format = Uuid)),
    responses((status = 204, description = "It is gone.")),
)]
pub(crate) async fn remove(
    service: web::Data<ExtensionService>,
    Input((caller, message, id, _, wanted)): Input<(Caller, MessagePath, ExtensionPath, NoQuery, IfMatch)>,
) -> Result<HttpResponse, Problem> {
    call("delete_extension", service.remove(&caller, message.0, id.0, wanted.0)).await?;
    Ok(reply::gone())
}
