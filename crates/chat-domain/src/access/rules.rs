//! The rule book: role × action × relation to the thing.

use super::caller::Role;

/// How long a user may delete its own message after sending it, in seconds.
pub const EDIT_WINDOW_SECONDS: i64 = 15 * 60;

/// What a caller wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Start a session for a user.
    CreateSession,
    /// See a session and its messages.
    ReadSession,
    /// List the sessions of a user.
    ListUserSessions,
    /// Change a session's agent, metadata or status, other than ending it.
    UpdateSession,
    /// End a session.
    EndSession,
    /// Write a message under a sender.
    WriteMessage,
    /// Write a note between agents.
    WriteInternal,
    /// Delete a message.
    DeleteMessage,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 8] = [
        Self::CreateSession,
        Self::ReadSession,
        Self::ListUserSessions,
        Self::UpdateSession,
        Self::EndSession,
        Self::WriteMessage,
        Self::WriteInternal,
        Self::DeleteMessage,
    ];
}

/// What the thing is to the caller: a session or list is its own where it is the session's user; a sender where it is
/// the caller itself; a message where the caller wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The caller's own.
    Own,
    /// The caller's own, but older than [`EDIT_WINDOW_SECONDS`].
    OwnButLate,
    /// Somebody else's, in the caller's tenant.
    Other,
}

/// What the rule book says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The caller may.
    Allow,
    /// The caller may see the thing, but not do this to it.
    Forbid,
    /// The caller may not learn that the thing exists.
    Hide,
}

/// Decides one case. What may not be seen is hidden; what may be seen but not done is forbidden.
#[must_use]
pub const fn decide(role: Role, action: Action, relation: Relation) -> Decision {
    use Decision::{Allow, Forbid, Hide};
    use Relation::{Other, Own, OwnButLate};

    match (action, role, relation) {
        (Action::CreateSession | Action::ListUserSessions, Role::User, Other) => Forbid,
        (Action::ReadSession | Action::EndSession | Action::UpdateSession, Role::User, Other) => Hide,
        (Action::UpdateSession | Action::WriteInternal, Role::User, _) => Forbid,
        (Action::WriteMessage, Role::User | Role::Agent | Role::Supervisor, Other) => Forbid,
        (Action::DeleteMessage, Role::User, Other | OwnButLate) => Forbid,
        (Action::DeleteMessage, Role::Agent, Other) => Forbid,
        (_, _, Own | OwnButLate | Other) => Allow,
    }
}

#[cfg(test)]
mod tests {
    use super::Decision::{Allow, Forbid, Hide};
    use super::*;

    /// One row for each action and relation; the columns are the roles in the order of [`Role::ALL`].
    const TABLE: [(Action, Relation, [Decision; 5]); 17] = [
        (Action::CreateSession, Relation::Own, [Allow, Allow, Allow, Allow, Allow]),
        (Action::CreateSession, Relation::Other, [Forbid, Allow, Allow, Allow, Allow]),
        (Action::ReadSession, Relation::Own, [Allow, Allow, Allow, Allow, Allow]),
        (Action::ReadSession, Relation::Other, [Hide, Allow, Allow, Allow, Allow]),
        (Action::ListUserSessions, Relation::Own, [Allow, Allow, Allow, Allow, Allow]),
        (Action::ListUserSessions, Relation::Other, [Forbid, Allow, Allow, Allow, Allow]),
        (Action::UpdateSession, Relation::Own, [Forbid, Allow, Allow, Allow, Allow]),
        (Action::UpdateSession, Relation::Other, [Hide, Allow, Allow, Allow, Allow]),
        (Action::EndSession, Relation::Own, [Allow, Allow, Allow, Allow, Allow]),
        (Action::EndSession, Relation::Other, [Hide, Allow, Allow, Allow, Allow]),
        (Action::WriteMessage, Relation::Own, [Allow, Allow, Allow, Allow, Allow]),
        (Action::WriteMessage, Relation::Other, [Forbid, Forbid, Forbid, Allow, Allow]),
        (Action::WriteInternal, Relation::Own, [Forbid, Allow, Allow, Allow, Allow]),
        (Action::WriteInternal, Relation::Other, [Forbid, Allow, Allow, Allow, Allow]),
        (Action::DeleteMessage, Relation::Own, [Allow, Allow, Allow, Allow, Allow]),
        (Action::DeleteMessage, Relation::OwnButLate, [Forbid, Allow, Allow, Allow, Allow]),
        (Action::DeleteMessage, Relation::Other, [Forbid, Forbid, Allow, Allow, Allow]),
    ];

    #[test]
    fn each_cell_of_the_table_holds() {
        for (action, relation, decisions) in TABLE {
            for (role, expected) in Role::ALL.into_iter().zip(decisions) {
                assert_eq!(decide(role, action, relation), expected, "{role} {action:?} {relation:?}");
            }
        }
    }

    #[test]
    fn the_table_names_each_action_with_own_and_other() {
        for action in Action::ALL {
            for relation in [Relation::Own, Relation::Other] {
                assert!(TABLE.iter().any(|row| row.0 == action && row.1 == relation), "{action:?} {relation:?}");
            }
        }
    }
}
