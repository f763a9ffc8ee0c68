//! The headers that many operations share, on the way in and out.

use serde_json::json;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Required, Response};

use super::schema;
use crate::problem::Kind;

/// Printable ASCII without white space at its ends, which HTTP cuts off.
const PRINTABLE: &str = "^[!-~]([ -~]*[!-~])?$";

/// The headers that requests may have, by the names under which operations refer to them.
pub(super) fn parameters() -> impl Iterator<Item = (String, RefOr<Parameter>)> {
    let tenant = text().max_length(Some(64)).pattern(Some("^[A-Za-z0-9_.:-]+$")).examples([json!("default")]);
    let name = text().max_length(Some(255)).pattern(Some(PRINTABLE)).examples([json!("u-1")]);
    let key = text().max_length(Some(255)).pattern(Some(PRINTABLE)).examples([json!("order-17-hello")]);
    let tags = || ObjectBuilder::new().schema_type(Type::String).examples([json!("*"), json!("\"7-f\"")]);
    [
        (
            "TenantId",
            "X-Tenant-Id",
            "The tenant, where no token names it; in `open` mode `default` where it is left out.",
            tenant.build(),
        ),
        (
            "UserId",
            "X-User-Id",
            "The caller, where no token names it; in `open` mode `service` where it is left out.",
            name.build(),
        ),
        (
            "UserRole",
            "X-User-Role",
            "The caller's role, where no token names it; in `open` mode `service` where it is left out.",
            schema::role(),
        ),
        ("RequestId", "X-Request-Id", REQUEST_ID, string()),
        ("TraceParent", "traceparent", "The W3C trace that the request belongs to.", string()),
        ("IdempotencyKey", "Idempotency-Key", "Makes the request safe to repeat.", key.build()),
        ("IfMatch", "If-Match", "Change the thing only in one of these states.", tags().build()),
        ("IfNoneMatch", "If-None-Match", "What the client has already.", tags().build()),
    ]
    .into_iter()
    .map(|(reference, name, description, schema)| {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(schema));
        (reference.to_owned(), RefOr::T(parameter.build()))
    })
}

const REQUEST_ID: &str = "\
The id under which the request is known. 1 to 128 of `A-Z a-z 0-9 . _ - : = / + @ ;`, in one header; anything else is \
replaced by a new one.";

const RATE_LIMIT: &str = "\
What is left of the caller's limits that the request counted for, as the IETF draft \
`draft-ietf-httpapi-ratelimit-headers` has it: `r` is how much may come at once now, `t` the seconds until that is a \
whole burst again, or, where nothing is left, until there is something. Not in `open` mode.";

const RATE_LIMIT_POLICY: &str = "\
The caller's limits, as the same draft has them: `q` is the burst, `w` the seconds in which a whole burst comes back. Not \
in `open` mode.";

/// The headers that answers may have.
pub(super) fn headers() -> impl Iterator<Item = (String, RefOr<Header>)> {
    [
        ("X-Request-Id", "The id under which the request is known.", string()),
        ("ETag", "The state of the thing, as the caller sees it.", text().examples([json!("\"7-f\"")]).build()),
        ("Cache-Control", "Whether the answer may be kept.", string()),
        ("X-Content-Type-Options", "`nosniff`", string()),
        ("Vary", "What of the request the answer depends on: always `accept-encoding`.", string()),
        ("Link", "The pages around (RFC 8288): `rel=\"next\"` and `rel=\"prev\"`, where there are such.", string()),
        ("Location", "Where the thing that was made lies.", text().format(Some(schema::uri_reference())).build()),
        ("Idempotent-Replayed", "`true` where an earlier request with the key had made the thing.", string()),
        ("Retry-After", "Seconds after which to try again.", string()),
        ("RateLimit", RATE_LIMIT, text().examples([json!(r#""requests";r=150;t=1"#)]).build()),
        ("RateLimit-Policy", RATE_LIMIT_POLICY, text().examples([json!(r#""requests";q=200;w=2"#)]).build()),
        ("WWW-Authenticate", "`Bearer`, and what is wrong with the token (RFC 6750).", string()),
    ]
    .into_iter()
    .map(|(name, description, schema)| {
        let mut header = Header::new(schema);
        header.description = Some(description.to_owned());
        (name.to_owned(), RefOr::T(header))
    })
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1))
}

fn string() -> Object {
    ObjectBuilder::new().schema_type(Type::String).build()
}

pub(super) fn id(operation: &Operation) -> &str {
    operation.operation_id.as_deref().unwrap_or_default()
}

/// Whether the operation is about chat, not about the service.
pub(super) fn is_chat(operation: &Operation) -> bool {
    operation.tags.iter().flatten().all(|tag| tag != "service")
}

pub(super) fn takes_body(operation: &Operation) -> bool {
    operation.request_body.is_some()
}

/// Whether the operation changes nothing.
pub(super) fn reads(operation: &Operation) -> bool {
    id(operation).starts_with("get_") || id(operation).starts_with("list_")
}

pub(super) fn takes_key(operation: &Operation) -> bool {
    matches!(
        id(operation),
        "create_session"
            | "end_session"
            | "create_message"
            | "mark_read"
            | "mark_delivered"
            | "create_attachment"
            | "create_extension"
            | "restore_message"
    )
}

fn is_conditional(operation: &Operation) -> bool {
    matches!(
        id(operation),
        "update_session"
            | "end_session"
            | "edit_message"
            | "delete_message"
            | "restore_message"
            | "delete_extension"
            | "put_reaction"
            | "delete_reaction"
    )
}

fn has_tag(operation: &Operation) -> bool {
    is_chat(operation)
        && !matches!(
            id(operation),
            "list_user_sessions" | "list_participants" | "list_audit" | "delete_extension" | "create_attachment"
        )
}

fn links(operation: &Operation) -> bool {
    matches!(
        id(operation),
        "get_session"
            | "get_message_history"
            | "list_extensions"
            | "list_messages"
            | "list_user_sessions"
            | "list_audit"
    )
}

/// Adds the headers of an operation's request and good answers.
pub(super) fn describe(operation: &mut Operation) {
    let mut parameters = vec!["RequestId", "TraceParent"];
    if is_chat(operation) {
        parameters.extend(["TenantId", "UserId", "UserRole"]);
    }
    if takes_key(operation) {
        parameters.push("IdempotencyKey");
    }
    if is_conditional(operation) {
        parameters.push("IfMatch");
    }
    if has_tag(operation) && reads(operation) {
        parameters.push("IfNoneMatch");
        let not_modified = Response::new("The client has the representation already.");
        operation.responses.responses.insert("304".to_owned(), RefOr::T(not_modified));
    }
    let references = parameters.into_iter().map(|name| RefOr::Ref(Ref::new(format!("#/components/parameters/{name}"))));
    operation.parameters.get_or_insert_default().extend(references);
    let headers = of_good_answer(operation);
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            add(response, &headers);
            match status.as_str() {
                "503" => add(response, &["Retry-After"]),
                // Nothing is sent, so nothing is compressed.
                "204" => {}
                _ => add(response, &["Vary"]),
            }
        }
    }
}

fn of_good_answer(operation: &Operation) -> Vec<&'static str> {
    let mut headers = vec!["X-Request-Id", "X-Content-Type-Options"];
    if is_chat(operation) {
        headers.push("Cache-Control");
    }
    if has_tag(operation) {
        headers.push("ETag");
    }
    if links(operation) {
        headers.push("Link");
    }
    if takes_key(operation) {
        headers.push("Idempotent-Replayed");
    }
    if id(operation).starts_with("create_") {
        headers.push("Location");
    }
    headers
}

/// Adds the headers of a problem.
pub(super) fn of_problem(kind: Kind, response: &mut Response) {
    add(response, &["X-Request-Id", "X-Content-Type-Options", "Cache-Control"]);
    if kind.status() == actix_web::http::StatusCode::SERVICE_UNAVAILABLE {
        add(response, &["Retry-After"]);
    }
    if let Kind::Unauthenticated(_) = kind {
        add(response, &["WWW-Authenticate"]);
    }
    if let Kind::RateLimited = kind {
        add(response, &["Retry-After"]);
    }
}

/// Adds what answers to known callers tell of their limits.
pub(super) fn describe_limits(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let of_known_caller = !matches!(status.as_str(), "401" | "406");
        if let RefOr::T(response) = response
            && of_known_caller
        {
            add(response, &["RateLimit", "RateLimit-Policy"]);
        }
    }
}

fn add(response: &mut Response, names: &[&str]) {
    for name in names {
        let reference = Ref::new(format!("#/components/headers/{name}"));
        response.headers.insert((*name).to_owned(), RefOr::Ref(reference));
    }
}
