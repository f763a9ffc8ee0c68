//! The description of the interface, made of the wire types and handlers themselves.
//!
//! Handlers describe what is theirs: path, parameters, body, good answer. What holds for many of them is added here:
//! the headers of `header`, and the problems that `answer` lists for each operation.

mod answer;
mod header;
pub(crate) mod schema;
mod security;

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{RefOr, Required};
use utoipa::{Modify, OpenApi};

use crate::problem::ProblemDocument;
use crate::routes::{attachment, audit, extension, health, message, meta, participant, session};

/// What a reader must know before the first call.
const INTRODUCTION: &str = "\
Live chat: sessions between a visitor and agents, and the messages in them.

- Everything under `/api/v1` lies under `/api/v1/chat` too; `Link` and `Location` keep the prefix that was used. \
`HEAD` works where `GET` does, and `OPTIONS` names the methods of a path.
- Bodies are JSON in UTF-8, at most 256 KiB, not compressed, but for uploads, which have their own limit. Unknown or doubled fields, and unknown or doubled query \
parameters, are a 422 that names them. Brackets deeper than 128 are a 400, as is all that a JSON parser refuses.
- A method that a path does not know is a 405 `method_not_allowed` with `Allow`. An answer that leaves a body \
unread closes its connection, with `Connection: close`: requests that were sent after it without waiting are refused.
- What is no HTTP at all (a broken head, a head that is too large or too slow) gets a bare 400, 408 or 431 without a \
document.
- Errors are problem documents (RFC 9457) with a stable `code`; a 422 lists every refused value at once.
- Lists are bare arrays. `Link` (RFC 8288) leads to the pages around, and is made to be followed as it is.
- A `POST` with an `Idempotency-Key` may be repeated: the repeat makes nothing and answers with what the first one made, \
as it is now, and `Idempotent-Replayed: true`. Keys of messages hold as long as the message, others at least 24 hours.
- Each session counts every change to it and to anything in it in `rev`. `ETag` is made of it, of the caller's view, of \
what the caller has not read of a session and of the query, and carries the name of the encoding where the answer is compressed. `If-None-Match` gives 304; `If-Match` \
gives 412 when the thing has moved on. `If-Match: \"v3\"` asks for a session's `version` alone, which messages leave be.
- Callers are known by a Bearer token (`jwt` mode), by a gateway that sets `X-Tenant-Id`, `X-User-Id` and `X-User-Role` \
(`gateway` mode), or by these headers from whoever sends them (`open` mode). Outside `open` mode a request without a \
known caller is a 401 whose `code` says why.
- Outside `open` mode requests are limited, for each caller and for each tenant, and messages among them once more. What \
is too much is a 429 `rate_limited`, of which nothing was done; `Retry-After` says for how many seconds. `RateLimit` and \
`RateLimit-Policy` tell a caller how it stands.
- What a caller may not see is a 404; what it may see but not do is a 403.";

#[derive(OpenApi)]
#[openapi(
    info(title = "Chorus chat service", description = INTRODUCTION, license(name = "Apache-2.0", identifier = "Apache-2.0")),
    servers((url = "/")),
    tags(
        (name = "sessions", description = "Conversations between one user and the agents of a tenant."),
        (name = "messages", description = "What is said in a session, in the order of `seq`."),
        (name = "extensions", description = "What hangs on a message: reactions, and what clients put there."),
        (name = "attachments", description = "Files, uploaded to a session and sent with a message."),
        (name = "participants", description = "Who has received and read how much of a session."),
        (name = "audit", description = "Who did what to which thing."),
        (name = "service", description = "The service itself."),
    ),
    paths(
        session::create,
        session::show,
        session::list_of_user,
        session::update,
        session::end,
        message::create,
        message::list,
        message::show,
        message::edit,
        message::history,
        message::remove,
        message::restore,
        extension::list,
        extension::create,
        extension::show,
        extension::remove,
        extension::reaction::put,
        extension::reaction::remove,
        attachment::create,
        attachment::show,
        participant::read,
        participant::delivered,
        participant::list,
        audit::list,
        health::show,
        health::show_under_api,
        health::live,
        health::ready,
        meta::about,
        meta::openapi,
        meta::metrics,
    ),
    components(schemas(ProblemDocument<'_>)),
    modifiers(&Shared),
)]
struct Document;

/// What holds for many operations.
struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        document.security = Some(Vec::new());
        let components = document.components.get_or_insert_default();
        components.parameters.extend(header::parameters());
        components.headers.extend(header::headers());
        components.security_schemes.extend([security::scheme()]);
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            make_empty_body_optional(operation);
            header::describe(operation);
            answer::describe(operation);
            if security::needs_caller(operation) {
                header::describe_limits(operation);
            }
            security::describe(operation);
        }
    }
}

/// A body that has nothing to say may be left out, which its type cannot tell.
fn make_empty_body_optional(operation: &mut Operation) {
    if matches!(header::id(operation), "end_session" | "restore_message")
        && let Some(RefOr::T(body)) = &mut operation.request_body
    {
        body.required = Some(Required::False);
    }
}

/// The operations that this interface has; `HEAD` and `OPTIONS` stand in the introduction.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// The document as JSON text.
pub fn json() -> String {
    document().to_pretty_json().unwrap_or_default()
}

/// The same for a service that does not look at tokens.
pub(crate) fn json_without_tokens() -> String {
    let mut document = document();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        operation.security = None;
    }
    document.to_pretty_json().unwrap_or_default()
}
