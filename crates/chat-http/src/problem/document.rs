//! The RFC 9457 document as it is sent.

use chat_domain::fault::{Fault, Place};
use chat_domain::revision::Rev;
use chat_domain::session::SessionStatus;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::Problem;

/// What went wrong (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:chorus:problem:invalid_request",
    "title": "Invalid request",
    "status": 422,
    "detail": "One value was refused.",
    "instance": "/api/v1/sessions",
    "request_id": "0198c0de-0000-7000-8000-000000000001",
    "code": "invalid_request",
    "errors": [{"pointer": "/user_id", "detail": "is required", "code": "missing_field"}],
}))]
pub(crate) struct ProblemDocument<'a> {
    /// Names the kind of problem: `urn:chorus:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(value_type = String, format = "uri")]
    kind: TypeUri<'a>,
    /// The same for each problem of the kind.
    title: &'a str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A sentence about this one.
    detail: &'a str,
    /// The path of the request.
    instance: &'a str,
    /// Also in `X-Request-Id`, and in the service's log.
    request_id: &'a str,
    /// Stable and machine-readable.
    #[schema(example = "invalid_request")]
    code: &'a str,
    /// Every refused value, with `invalid_request`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FaultView<'a>>,
    /// Where the session stands, with `invalid_transition` and `session_ended`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "ended")]
    session_status: Option<SessionStatus>,
    /// The session's change counter, with `invalid_transition` and `session_ended`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, nullable = false, minimum = 1)]
    rev: Option<Rev>,
}

/// One refused value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fault)]
pub(crate) struct FaultView<'a> {
    /// The part of the request; the body where it is left out.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, pattern = "^(query|path|header)$")]
    place: Option<&'static str>,
    /// An RFC 6901 pointer into the body, or `/` and the name of the parameter or header.
    pointer: &'a str,
    /// What the value must be.
    detail: &'a str,
    /// Stable and machine-readable.
    #[schema(example = "missing_field")]
    code: &'a str,
}

#[derive(Debug)]
struct TypeUri<'a>(&'a str);

impl Serialize for TypeUri<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("urn:chorus:problem:{}", self.0))
    }
}

impl<'a> From<&'a Fault> for FaultView<'a> {
    fn from(fault: &'a Fault) -> Self {
        let place = match fault.place {
            Place::Body => None,
            Place::Query => Some("query"),
            Place::Path => Some("path"),
            Place::Header => Some("header"),
        };
        Self { place, pointer: &fault.pointer, detail: &fault.rejection.detail, code: fault.rejection.code }
    }
}

impl Problem {
    /// The document, for the request with this path and id.
    pub(crate) fn document<'a>(&'a self, instance: &'a str, request_id: &'a str) -> ProblemDocument<'a> {
        let facts = &*self.0;
        let (session_status, rev) = facts.session.unzip();
        ProblemDocument {
            kind: TypeUri(facts.kind.code()),
            title: facts.kind.title(),
            status: facts.kind.status().as_u16(),
            detail: &facts.detail,
            instance,
            request_id,
            code: facts.kind.code(),
            errors: facts.faults.iter().map(FaultView::from).collect(),
            session_status,
            rev,
        }
    }
}
