//! Participants: who has received and read how much.

mod wire;

use actix_web::{HttpResponse, web};
use chat_domain::access::Caller;
use chat_domain::participant::{ParticipantService, ReceiptKind};

pub(crate) use self::wire::ParticipantView;
use self::wire::SendReceipt;
use crate::etag::Tag;
use crate::extract::{ApiJson, Input, NoQuery, OptionalKey, SessionPath};
use crate::link::Links;
use crate::middleware::call;
use crate::problem::Problem;
use crate::reply;

/// What a receipt is sent with.
type Sent = (Caller, SessionPath, NoQuery, OptionalKey, ApiJson<SendReceipt>);

/// Say that one has read messages
///
/// All up to `seq`; what was read was delivered, too. It never moves back, ends at the last message that the caller sees, and
/// works in an ended session. What moves nothing changes nothing.
#[utoipa::path(
    post, path = "/api/v1/sessions/{session_id}/read", operation_id = "mark_read", tag = "participants",
    params(("session_id" = String, Path, format = Uuid)),
    request_body = SendReceipt,
    responses((status = 200, description = "The caller as a participant.", body = ParticipantView<'_>)),
)]
pub(crate) async fn read(
    service: web::Data<ParticipantService>,
    Input(sent): Input<Sent>,
) -> Result<HttpResponse, Problem> {
    mark("mark_read", &service, ReceiptKind::Read, sent).await
}

/// Say that messages have come
///
/// All up to `seq`. It never moves back, ends at the last message that the caller sees, and works in an ended session. What
/// moves nothing changes nothing.
#[utoipa::path(
    post, path = "/api/v1/sessions/{session_id}/delivered", operation_id = "mark_delivered", tag = "participants",
    params(("session_id" = String, Path, format = Uuid)),
    request_body = SendReceipt,
    responses((status = 200, description = "The caller as a participant.", body = ParticipantView<'_>)),
)]
pub(crate) async fn delivered(
    service: web::Data<ParticipantService>,
    Input(sent): Input<Sent>,
) -> Result<HttpResponse, Problem> {
    mark("mark_delivered", &service, ReceiptKind::Delivered, sent).await
}

async fn mark(
    operation: &'static str,
    service: &ParticipantService,
    kind: ReceiptKind,
    (caller, session, _, key, body): Sent,
) -> Result<HttpResponse, Problem> {
    let (draft, text) = (body.value.draft(), body.text);
    let marked = call(operation, service.mark(&caller, session.0, kind, draft, key.0.as_ref())).await;
    let marked = marked.map_err(|error| text.explain(error))?;
    let tag = Tag::new(marked.value.rev, caller.view());
    reply::changed(&tag, marked.replayed, &ParticipantView::from(&marked.value))
}

/// List a session's participants
///
/// Everybody who has sent a receipt there, by id. A `user` sees itself, and of the others those who served the session or had
/// spoken in it at the time of a receipt.
#[utoipa::path(
    get, path = "/api/v1/sessions/{session_id}/participants", operation_id = "list_participants", tag = "participants",
    params(("session_id" = String, Path, format = Uuid)),
    responses((status = 200, description = "The participants.", body = Vec<ParticipantView<'_>>)),
)]
pub(crate) async fn list(
    service: web::Data<ParticipantService>,
    Input((caller, session, _)): Input<(Caller, SessionPath, NoQuery)>,
) -> Result<HttpResponse, Problem> {
    let listed = call("list_participants", service.list(&caller, session.0)).await?;
    let views: Vec<_> = listed.iter().map(ParticipantView::from).collect();
    reply::listed(&Links::none(), &views)
}
