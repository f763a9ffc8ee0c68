//! Attachments.

mod download;
mod range;
mod receive;
mod wire;

use actix_web::{HttpRequest, HttpResponse, web};
use chat_domain::access::Caller;
use chat_domain::attachment::AttachmentService;
use chat_domain::deadline;

use self::range::WantedRange;
use self::wire::{AttachmentView, UploadForm};
use crate::etag::{IfNoneMatch, Tag};
use crate::extract::{AttachmentPath, Form, Input, NoQuery, OptionalKey, SessionPath};
use crate::link;
use crate::middleware::call;
use crate::problem::Problem;
use crate::reply;
use crate::uploads::Uploads;

/// Upload a file
///
/// One file, in the field `file`. It is kept when it is answered, and is sent with a message that names it in
/// `attachments`; what is not sent within a day is removed. What it is, its bytes say: a file that is said to be something
/// else is refused.
#[utoipa::path(
    post, path = "/api/v1/sessions/{session_id}/attachments", operation_id = "create_attachment", tag = "attachments",
    params(("session_id" = String, Path, format = Uuid)),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The attachment.", body = AttachmentView<'_>)),
)]
pub(crate) async fn create(
    service: web::Data<AttachmentService>,
    uploads: web::Data<Uploads>,
    request: HttpRequest,
    Input((caller, session, _, key, form)): Input<(Caller, SessionPath, NoQuery, OptionalKey, Form)>,
) -> Result<HttpResponse, Problem> {
    // What is asked of stores has its own time before and after: what lies between takes as long as the client does.
    let received = deadline::apart(receive::receive(&service, &uploads, (&caller, session.0), form, key.0.as_ref()));
    let made = call("create_attachment", received).await?;
    let location = link::location(&request, format_args!("/attachments/{}", made.value.id));
    reply::made(location, made.replayed, &AttachmentView::from(&made.value))
}

/// Download a file
///
/// For whoever may see the message that it was sent with; before it is sent, for whoever may send it. It comes as a
/// download, never as something that a browser would show.
#[utoipa::path(
    get, path = "/api/v1/attachments/{attachment_id}", operation_id = "get_attachment", tag = "attachments",
    params(
        ("attachment_id" = String, Path, format = Uuid),
        ("Range" = Option<String>, Header, description = "One range of bytes; others are served whole.", example = "bytes=0-99"),
        ("If-Range" = Option<String>, Header, description = "Serve the range only where the file is this one."),
    ),
    responses(
        (status = 200, description = "The file.", content_type = "application/octet-stream", body = String),
        (status = 206, description = "A part of the file.", content_type = "application/octet-stream", body = String),
    ),
)]
pub(crate) async fn show(
    service: web::Data<AttachmentService>,
    uploads: web::Data<Uploads>,
    request: HttpRequest,
    Input((caller, id, _, known, wanted)): Input<(Caller, AttachmentPath, NoQuery, IfNoneMatch, WantedRange)>,
) -> Result<HttpResponse, Problem> {
    let opened = call("get_attachment", service.open(&caller, id.0)).await?;
    let tag = Tag::of_content(opened.attachment.sha256);
    if let Some(known) = known.matching(|| tag.clone()) {
        return Ok(reply::not_modified(known, None));
    }
    let is_head = request.method() == actix_web::http::Method::HEAD;
    let part = if is_head { range::Part::Whole } else { wanted.part(&tag, opened.attachment.size)? };
    let bytes = part.bytes(opened.attachment.size);
    let reader = if is_head { None } else { Some(service.read(&opened, bytes).await?) };
    Ok(download::answer(&opened.attachment, &tag, &part, reader, uploads.into_inner()))
}
