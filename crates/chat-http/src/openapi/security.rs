//! Which operations need a caller, and how one is named.

use chat_domain::access::Refusal;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};

use super::header;
use crate::problem::Kind;

const BEARER: &str = "bearer";

/// What a reader must know before the first token.
const ABOUT: &str = "\
A JWT signed with HS256, RS256, ES256 or EdDSA. It names its caller in `sub` (also `user_id` or `id`), `tenant_id` (also \
`tenantId`) and `role`, and lives until `exp`. It is asked for where the service runs in `jwt` mode; in `gateway` mode a \
gateway checks it, and in `open` mode nobody does.";

/// What every 401 says of itself.
pub(super) const UNAUTHENTICATED: &str = "\
Nobody knows who calls; `code` says why: `missing_token`, `malformed_token`, `bad_signature`, `token_expired` and others";

/// What a 401 may be, any of which stands for all.
pub(super) const SOME_REFUSAL: Kind = Kind::Unauthenticated(Refusal::MissingToken);

/// The scheme, with the name by which operations refer to it.
pub(super) fn scheme() -> (String, RefOr<SecurityScheme>) {
    let http = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(ABOUT));
    (BEARER.to_owned(), RefOr::T(SecurityScheme::Http(http.build())))
}

/// Whether the operation is for known callers alone.
pub(super) fn needs_caller(operation: &Operation) -> bool {
    header::is_chat(operation) || header::id(operation) == "get_metrics"
}

/// Says so.
pub(super) fn describe(operation: &mut Operation) {
    if needs_caller(operation) {
        operation.security = Some(vec![SecurityRequirement::new(BEARER, [""; 0])]);
    }
}
