//! The problems that each operation may answer with.

use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, Ref, RefOr, Response};

use super::{header, security};
use crate::problem::Kind;

/// What the domain may say to each operation, beside refused values.
fn of_domain(operation: &str) -> &'static [Kind] {
    use Kind::{
        ExtensionGone, ExtensionNotFound, ExtensionStays, ExtensionsTooLarge, InvalidTransition, MessageDeleted,
        MessageNotFound, PreconditionFailed, SessionEnded, SessionNotFound, TooManyEmoji, TooManyExtensions,
    };

    match operation {
        "get_session" | "list_messages" | "mark_read" | "mark_delivered" | "list_participants" => &[SessionNotFound],
        "update_session" => &[SessionNotFound, InvalidTransition, SessionEnded, PreconditionFailed],
        "end_session" => &[SessionNotFound, PreconditionFailed],
        "create_message" => &[SessionNotFound, SessionEnded],
        "get_message" | "get_message_history" => &[MessageNotFound],
        "edit_message" => &[MessageNotFound, MessageDeleted, PreconditionFailed],
        "delete_message" | "restore_message" => &[MessageNotFound, PreconditionFailed],
        "list_extensions" => &[MessageNotFound],
        "get_extension" => &[MessageNotFound, ExtensionNotFound],
        "create_extension" => &[MessageNotFound, MessageDeleted, TooManyExtensions, ExtensionsTooLarge, ExtensionGone],
        "delete_extension" => &[MessageNotFound, ExtensionNotFound, MessageDeleted, ExtensionStays, PreconditionFailed],
        "put_reaction" => &[MessageNotFound, MessageDeleted, TooManyExtensions, TooManyEmoji, PreconditionFailed],
        "delete_reaction" => &[MessageNotFound, MessageDeleted, PreconditionFailed],
        "create_attachment" => &[
            SessionNotFound,
            SessionEnded,
            Kind::AttachmentTypeNotAllowed,
            Kind::AttachmentTypeMismatch,
            Kind::AttachmentQuotaExceeded,
            Kind::MalformedForm,
        ],
        "get_attachment" => &[Kind::AttachmentNotFound, Kind::RangeNotSatisfiable],
        _ => &[],
    }
}

/// What may be wrong with a body.
const OF_BODY: [Kind; 5] = [
    Kind::MalformedJson,
    Kind::IncompleteBody,
    Kind::RequestTimeout,
    Kind::PayloadTooLarge,
    Kind::UnsupportedMediaType,
];

fn of_operation(operation: &Operation) -> Vec<Kind> {
    let mut kinds = vec![Kind::NotAcceptable, Kind::HeadTooLarge];
    if security::needs_caller(operation) {
        kinds.extend([security::SOME_REFUSAL, Kind::Forbidden, Kind::RateLimited, Kind::KeysUnavailable]);
    }
    if !header::is_chat(operation) {
        return kinds;
    }
    kinds.extend([Kind::InvalidRequest, Kind::Internal, Kind::StoreUnavailable]);
    kinds.extend(of_domain(header::id(operation)));
    if header::takes_body(operation) {
        let is_form = header::id(operation) == "create_attachment";
        kinds.extend(OF_BODY.into_iter().filter(|kind| !(is_form && *kind == Kind::MalformedJson)));
    }
    if header::takes_key(operation) {
        kinds.push(Kind::IdempotencyKeyReused);
    }
    if !header::reads(operation) {
        kinds.push(Kind::OutcomeUnknown);
    }
    kinds
}

/// Adds them, one answer for each status.
pub(super) fn describe(operation: &mut Operation) {
    let kinds = of_operation(operation);
    for kind in &kinds {
        let status = kind.status().as_u16().to_string();
        operation.responses.responses.insert(status, problem(*kind, &codes(*kind, &kinds)));
    }
}

/// The codes of all kinds with the status of this one.
fn codes(kind: Kind, kinds: &[Kind]) -> String {
    if let Kind::Unauthenticated(_) = kind {
        return security::UNAUTHENTICATED.to_owned();
    }
    let same = kinds.iter().filter(|other| other.status() == kind.status());
    same.map(|kind| format!("`{}`", kind.code())).collect::<Vec<_>>().join(", ")
}

fn problem(kind: Kind, codes: &str) -> RefOr<Response> {
    let schema = Ref::from_schema_name("Problem");
    let mut response = Response::new(format!("{codes}."));
    response.content.insert("application/problem+json".to_owned(), RefOr::T(Content::new(Some(schema))));
    header::of_problem(kind, &mut response);
    RefOr::T(response)
}
