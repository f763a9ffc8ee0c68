//! Who may do what. Every rule about roles stands here and nowhere else.

mod caller;
mod rules;

pub use caller::{Caller, Role, View};
pub use rules::{Action, Decision, EDIT_WINDOW_SECONDS, Relation, decide};
