//! The kinds of problems: for each its status, its stable code and its title. No other place names the status of an error.

use actix_web::http::StatusCode;
use chat_domain::access::Refusal;

/// Makes the enum, and the list of all that it may be, of one list of names.
macro_rules! kinds {
    ($($kind:ident,)+) => {
        /// What went wrong, as far as a client can tell it apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($kind,)+
            /// Nobody knows who calls, and why.
            Unauthenticated(Refusal),
        }

        impl Kind {
            /// All of them: each is counted from zero.
            pub(crate) fn all() -> impl Iterator<Item = Self> {
                let refusals = Refusal::ALL.iter().copied().map(Self::Unauthenticated);
                [$(Self::$kind),+].into_iter().chain(refusals)
            }
        }
    };
}

kinds! {
    BadRequest,
    MalformedJson,
    IncompleteBody,
    CorsRefused,
    Forbidden,
    RouteNotFound,
    SessionNotFound,
    MessageNotFound,
    ExtensionNotFound,
    AttachmentNotFound,
    AttachmentQuotaExceeded,
    AttachmentTypeMismatch,
    AttachmentTypeNotAllowed,
    MalformedForm,
    RangeNotSatisfiable,
    MessageDeleted,
    ExtensionStays,
    TooManyExtensions,
    ExtensionsTooLarge,
    TooManyEmoji,
    ExtensionGone,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    InvalidTransition,
    SessionEnded,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    InvalidRequest,
    IdempotencyKeyReused,
    RateLimited,
    HeadTooLarge,
    Internal,
    StoreUnavailable,
    OutcomeUnknown,
    KeysUnavailable,
}

impl Kind {
    const fn row(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad_request", "Bad request"),
            Self::MalformedJson => (StatusCode::BAD_REQUEST, "malformed_json", "Malformed JSON"),
            Self::IncompleteBody => (StatusCode::BAD_REQUEST, "incomplete_body", "Incomplete body"),
            Self::CorsRefused => (StatusCode::FORBIDDEN, "cors_refused", "Refused by CORS"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::RouteNotFound => (StatusCode::NOT_FOUND, "not_found", "Not found"),
            Self::SessionNotFound => (StatusCode::NOT_FOUND, "session_not_found", "Session not found"),
            Self::MessageNotFound => (StatusCode::NOT_FOUND, "message_not_found", "Message not found"),
            Self::MessageDeleted => (StatusCode::CONFLICT, "message_deleted", "Message is deleted"),
            Self::AttachmentNotFound => (StatusCode::NOT_FOUND, "attachment_not_found", "Attachment not found"),
            Self::AttachmentQuotaExceeded => {
                (StatusCode::CONFLICT, "attachment_quota_exceeded", "No room for more files")
            }
            Self::AttachmentTypeMismatch => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "attachment_type_mismatch", "File is of another type")
            }
            Self::AttachmentTypeNotAllowed => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "attachment_type_not_allowed", "File of a type that is not taken")
            }
            Self::MalformedForm => (StatusCode::BAD_REQUEST, "malformed_form", "Malformed form"),
            Self::RangeNotSatisfiable => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", "Range not satisfiable")
            }
            Self::ExtensionNotFound => (StatusCode::NOT_FOUND, "extension_not_found", "Extension not found"),
            Self::ExtensionStays => (StatusCode::CONFLICT, "extension_stays", "Extension stays"),
            Self::TooManyExtensions => (StatusCode::CONFLICT, "too_many_extensions", "Too many extensions"),
            Self::ExtensionsTooLarge => (StatusCode::CONFLICT, "extensions_too_large", "Extensions too large"),
            Self::TooManyEmoji => (StatusCode::CONFLICT, "too_many_emoji", "Too many emoji"),
            Self::ExtensionGone => (StatusCode::GONE, "extension_gone", "Extension is gone"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "not_acceptable", "Not acceptable"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "request_timeout", "Request too slow"),
            Self::InvalidTransition => (StatusCode::CONFLICT, "invalid_transition", "Impossible change of status"),
            Self::SessionEnded => (StatusCode::CONFLICT, "session_ended", "Session has ended"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "precondition_failed", "Precondition failed"),
            Self::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "Body too large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type")
            }
            Self::InvalidRequest => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", "Invalid request"),
            Self::IdempotencyKeyReused => {
                (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency key reused")
            }
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests"),
            Self::HeadTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", "Head too large"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Internal error"),
            Self::StoreUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", "Store unavailable"),
            Self::OutcomeUnknown => (StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown", "Outcome unknown"),
            Self::KeysUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "keys_unavailable", "Keys of tokens unavailable")
            }
            Self::Unauthenticated(refusal) => (StatusCode::UNAUTHORIZED, refusal.code(), "Not authenticated"),
        }
    }

    /// The status of the answer.
    pub(crate) const fn status(self) -> StatusCode {
        self.row().0
    }

    /// The stable, machine-readable name.
    pub(crate) const fn code(self) -> &'static str {
        self.row().1
    }

    /// The title for people, the same for each problem of the kind.
    pub(crate) const fn title(self) -> &'static str {
        self.row().2
    }

    /// The kind of an error that did not come from this crate, such as one of the server or of CORS.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::RouteNotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::NOT_ACCEPTABLE => Self::NotAcceptable,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_kind_has_a_code_of_its_own() {
        let codes: HashSet<_> = Kind::all().map(Kind::code).collect();
        assert_eq!(codes.len(), Kind::all().count());
    }

    /// The rows of the page's table of codes: a status, and the codes that stand beside it.
    fn rows() -> Vec<(String, Vec<String>)> {
        let page = include_str!("../../../../docs/api.md");
        let table = page.lines().skip_while(|line| !line.starts_with("| status | codes")).skip(2);
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let rows = table.take_while(|line| line.starts_with('|')).map(cells);
        rows.map(|cells| {
            let names = cells[2].split('`').skip(1).step_by(2).map(str::to_owned);
            // A code is of small letters; names of headers and members stand there too.
            let members = ["session_status", "rev"];
            let is_code = |name: &String| !members.contains(&&**name) && !name.contains(char::is_uppercase);
            (cells[1].clone(), names.filter(is_code).collect())
        })
        .collect()
    }

    #[test]
    fn the_page_names_each_code_beside_its_status_and_no_other() {
        let told =
            rows().into_iter().flat_map(|(status, codes)| codes.into_iter().map(move |code| (status.clone(), code)));
        let told: HashSet<_> = told.collect();
        let known = Kind::all().map(|kind| (kind.status().as_str().to_owned(), kind.code().to_owned()));
        assert_eq!(told, known.collect());
    }

    #[test]
    fn every_kind_is_an_error() {
        assert!(Kind::all().all(|kind| kind.status().as_u16() >= 400));
    }
}
