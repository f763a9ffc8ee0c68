//! The problems that each operation may answer with.

use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, Ref, RefOr, Response};

use super::header;
use crate::problem::Kind;

/// What the domain may say to each operation, beside refused values.
fn of_domain(operation: &str) -> &'static [Kind] {
    use Kind::{Forbidden, InvalidTransition, MessageNotFound, PreconditionFailed, SessionEnded, SessionNotFound};

    match operation {
        "create_session" | "list_user_sessions" => &[Forbidden],
        "get_session" | "list_messages" => &[SessionNotFound],
        "update_session" => &[Forbidden, SessionNotFound, InvalidTransition, SessionEnded, PreconditionFailed],
        "end_session" => &[SessionNotFound, PreconditionFailed],
        "create_message" => &[Forbidden, SessionNotFound, SessionEnded],
        "get_message" => &[MessageNotFound],
        "delete_message" => &[Forbidden, MessageNotFound, PreconditionFailed],
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
    let mut kinds = vec![Kind::NotAcceptable];
    if !header::is_chat(operation) {
        return kinds;
    }
    kinds.extend([Kind::InvalidRequest, Kind::Internal, Kind::StoreUnavailable]);
    kinds.extend(of_domain(header::id(operation)));
    if header::takes_body(operation) {
        kinds.extend(OF_BODY);
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
        let same = kinds.iter().filter(|other| other.status() == kind.status());
        let codes: Vec<_> = same.map(|kind| format!("`{}`", kind.code())).collect();
        let status = kind.status().as_u16().to_string();
        operation.responses.responses.insert(status, problem(*kind, &codes.join(", ")));
    }
}

fn problem(kind: Kind, codes: &str) -> RefOr<Response> {
    let schema = Ref::from_schema_name("Problem");
    let mut response = Response::new(format!("{codes}."));
    response.content.insert("application/problem+json".to_owned(), RefOr::T(Content::new(Some(schema))));
    header::of_problem(kind, &mut response);
    RefOr::T(response)
}
