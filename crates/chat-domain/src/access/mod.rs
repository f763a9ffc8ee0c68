//! Who may do what. Every rule about roles stands here and nowhere else.

mod caller;
mod guard;
mod refusal;
mod rules;
mod token;

pub use caller::{Caller, Role, View};
pub use guard::{Denied, Guard};
pub(crate) use guard::{Guarded, Permit, Sealed};
pub use refusal::Refusal;
pub use rules::{Action, Decision, EDIT_WINDOW_SECONDS, Relation, decide};
pub use token::{Identity, MAX_TOKEN_BYTES, TokenError, TokenRules, TokenVerifier, check_signing_key};
