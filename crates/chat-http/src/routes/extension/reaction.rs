//! Reactions: one emoji of one person on one message, by its own name.

use actix_web::{HttpResponse, web};
use chat_domain::access::Caller;
use chat_domain::extension::ExtensionService;

use crate::etag::{IfMatch, Tag};
use crate::extract::{EmojiPath, Input, MessagePath, NoQuery};
use crate::middleware::call;
use crate::problem::Problem;
use crate::reply;
use crate::routes::message::MessageView;

/// React to a message
///
/// With one emoji of Unicode's list; a repeat changes nothing. A message shows at most 20 different emoji, and holds at most
/// 100 extensions, reactions among them: else a 409. A `user` reacts as a user, an `agent`, `supervisor` or `admin` as an agent, a
/// `service` as `system`, each by its own id. After a session's end it still works.
#[utoipa::path(
    put, path = "/api/v1/messages/{message_id}/reactions/{emoji}", operation_id = "put_reaction", tag = "extensions",
    params(
        ("message_id" = String, Path, format = Uuid),
        ("emoji" = String, Path, min_length = 1, max_length = 64, example = "👍", description = "One emoji."),
    ),
    responses((status = 200, description = "The message.", body = MessageView<'_>)),
)]
pub(crate) async fn put(
    service: web::Data<ExtensionService>,
    Input((caller, message, emoji, _, wanted)): Input<(Caller, MessagePath, EmojiPath, NoQuery, IfMatch)>,
) -> Result<HttpResponse, Problem> {
    let message = call("put_reaction", service.react(&caller, message.0, emoji.0, wanted.0)).await?;
    reply::changed(&Tag::new(message.rev, caller.view()), false, &MessageView::from(&message))
}

/// Take a reaction back
///
/// The caller's own; where there is none nothing changes.
#[utoipa::path(
    delete, path = "/api/v1/messages/{message_id}/reactions/{emoji}", operation_id = "delete_reaction",
    tag = "extensions",
    params(
        ("message_id" = String, Path, format = Uuid),
        ("emoji" = String, Path, min_length = 1, max_length = 64, example = "👍", description = "One emoji."),
    ),
    responses((status = 200, description = "The message.", body = MessageView<'_>)),
)]
pub(crate) async fn remove(
    service: web::Data<ExtensionService>,
    Input((caller, message, emoji, _, wanted)): Input<(Caller, MessagePath, EmojiPath, NoQuery, IfMatch)>,
) -> Result<HttpResponse, Problem> {
    let message = call("delete_reaction", service.take_back(&caller, message.0, emoji.0, wanted.0)).await?;
    reply::changed(&Tag::new(message.rev, caller.view()), false, &MessageView::from(&message))
}
