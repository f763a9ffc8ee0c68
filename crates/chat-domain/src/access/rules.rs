//! The rule book: role × action × relation to the thing.
//!
//! Nothing is allowed by default. Each action names what each role may do; an action or a role that is added does not
//! compile until every cell of its row or column is filled in.

use self::Decision::{Allow as Yes, Forbid as No, Hide};
use super::caller::Role;
use crate::named::named;

/// How long a user may edit or delete its own message after sending it, in seconds.
pub const EDIT_WINDOW_SECONDS: i64 = 15 * 60;

named!(
    /// What a caller wants to do. The name stands in the audit table and in the log.
    Action {
        /// Start a session for a user.
        CreateSession = "create_session",
        /// See a session and its messages.
        ReadSession = "read_session",
        /// List the sessions of a user.
        ListUserSessions = "list_user_sessions",
        /// Change a session's agent, metadata or status, other than ending it.
        UpdateSession = "update_session",
        /// End a session.
        EndSession = "end_session",
        /// Write a message under a sender.
        WriteMessage = "write_message",
        /// Write a note between agents.
        WriteInternal = "write_internal",
        /// Change a message's text or metadata.
        EditMessage = "edit_message",
        /// Delete a message.
        DeleteMessage = "delete_message",
        /// Undo the deletion of a message.
        RestoreMessage = "restore_message",
        /// Say how much of a session one has received or read.
        SendReceipt = "send_receipt",
        /// Hang something on a message.
        AddExtension = "add_extension",
        /// Take something off a message.
        RemoveExtension = "remove_extension",
        /// Show an emoji on a message, or take it back.
        React = "react",
        /// Upload a file to a session.
        UploadAttachment = "upload_attachment",
        /// See or send a file that was uploaded and has not been sent.
        UseAttachment = "use_attachment",
        /// See who did what to which thing.
        ListAudit = "list_audit",
        /// See the figures of the service.
        ReadMetrics = "read_metrics",
    }
);

/// What the thing is to the caller: a session or list is its own where it is the session's user; a sender where it is
/// the caller itself; a message where the caller wrote it; what hangs on a message where the caller made it. Whether
/// something may be hung there goes by the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The caller's own.
    Own,
    /// The caller's own, but older than [`EDIT_WINDOW_SECONDS`].
    OwnButLate,
    /// Somebody else's in the caller's tenant, or nobody's.
    Other,
}

impl Relation {
    /// All relations.
    pub const ALL: [Self; 3] = [Self::Own, Self::OwnButLate, Self::Other];
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
    rule(action).of(relation).of(role)
}

/// Whether the audit keeps what was allowed: what is done to what others said, or in the name of others. A restoration
/// undoes what somebody did, whoever wrote the message.
///
/// A service writes all messages of bots and gateways: an entry for each of them would double the store and say nothing.
pub(super) const fn is_kept(role: Role, action: Action, relation: Relation) -> bool {
    match action {
        Action::EditMessage | Action::DeleteMessage | Action::RemoveExtension => {
            matches!(relation, Relation::Other)
        }
        Action::RestoreMessage => true,
        Action::WriteMessage => matches!(relation, Relation::Other) && !matches!(role, Role::Service),
        Action::CreateSession
        | Action::ReadSession
        | Action::ListUserSessions
        | Action::UpdateSession
        | Action::EndSession
        | Action::WriteInternal
        | Action::SendReceipt
        | Action::AddExtension
        | Action::React
        | Action::UploadAttachment
        | Action::UseAttachment
        | Action::ListAudit
        | Action::ReadMetrics => false,
    }
}

/// The table. A row of cells is in the order user, agent, supervisor, admin, service.
const fn rule(action: Action) -> Rule {
    match action {
        Action::CreateSession => {
            Rule { own: cells(Yes, Yes, Yes, Yes, Yes), late: NOBODY, other: cells(No, Yes, Yes, Yes, Yes) }
        }
        Action::ReadSession
        | Action::EndSession
        | Action::SendReceipt
        | Action::UploadAttachment
        | Action::AddExtension
        | Action::React => {
            Rule { own: cells(Yes, Yes, Yes, Yes, Yes), late: NOBODY, other: cells(Hide, Yes, Yes, Yes, Yes) }
        }
        Action::ListUserSessions => {
            Rule { own: cells(Yes, Yes, Yes, Yes, Yes), late: NOBODY, other: cells(No, Yes, Yes, Yes, Yes) }
        }
        Action::UpdateSession => {
            Rule { own: cells(No, Yes, Yes, Yes, Yes), late: NOBODY, other: cells(Hide, Yes, Yes, Yes, Yes) }
        }
        Action::WriteMessage => {
            Rule { own: cells(Yes, Yes, Yes, Yes, Yes), late: NOBODY, other: cells(No, No, No, Yes, Yes) }
        }
        Action::WriteInternal => {
            Rule { own: cells(No, Yes, Yes, Yes, Yes), late: NOBODY, other: cells(No, No, No, Yes, Yes) }
        }
        Action::EditMessage => Rule {
            own: cells(Yes, Yes, Yes, Yes, Yes),
            late: cells(No, Yes, Yes, Yes, Yes),
            // Who may write as any sender may put other words into a sender's mouth; who leads may only take them away.
            other: cells(No, No, No, Yes, Yes),
        },
        Action::DeleteMessage => Rule {
            own: cells(Yes, Yes, Yes, Yes, Yes),
            late: cells(No, Yes, Yes, Yes, Yes),
            other: cells(No, No, Yes, Yes, Yes),
        },
        Action::RestoreMessage => Rule {
            own: cells(No, No, Yes, Yes, Yes),
            late: cells(No, No, Yes, Yes, Yes),
            other: cells(No, No, Yes, Yes, Yes),
        },
        Action::RemoveExtension => {
            Rule { own: cells(Yes, Yes, Yes, Yes, Yes), late: NOBODY, other: cells(No, No, Yes, Yes, Yes) }
        }
        Action::UseAttachment => Rule {
            own: cells(Yes, Yes, Yes, Yes, Yes),
            late: NOBODY,
            // It is no part of the conversation yet: those who may write as its uploader may send it, and nobody else knows.
            other: cells(Hide, Hide, Hide, Yes, Yes),
        },
        Action::ListAudit => Rule { own: NOBODY, late: NOBODY, other: cells(No, No, No, Yes, No) },
        Action::ReadMetrics => Rule { own: NOBODY, late: NOBODY, other: cells(No, No, No, Yes, Yes) },
    }
}

/// Where no rule speaks of a relation.
const NOBODY: Cells = cells(No, No, No, No, No);

/// What an action means for each relation.
struct Rule {
    own: Cells,
    late: Cells,
    other: Cells,
}

impl Rule {
    const fn of(&self, relation: Relation) -> &Cells {
        match relation {
            Relation::Own => &self.own,
            Relation::OwnButLate => &self.late,
            Relation::Other => &self.other,
        }
    }
}

/// One decision for each role.
struct Cells {
    user: Decision,
    agent: Decision,
    supervisor: Decision,
    admin: Decision,
    service: Decision,
}

const fn cells(user: Decision, agent: Decision, supervisor: Decision, admin: Decision, service: Decision) -> Cells {
    Cells { user, agent, supervisor, admin, service }
}

impl Cells {
    const fn of(&self, role: Role) -> Decision {
        match role {
            Role::User => self.user,
            Role::Agent => self.agent,
            Role::Supervisor => self.supervisor,
            Role::Admin => self.admin,
            Role::Service => self.service,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The same table, told otherwise: what is not listed is forbidden. `*` stands for every role.
    const ALLOWED: [(&str, &str, &str); 37] = [
        ("create_session", "own", "*"),
        ("create_session", "other", "agent supervisor admin service"),
        ("read_session", "own", "*"),
        ("read_session", "other", "agent supervisor admin service"),
        ("list_user_sessions", "own", "*"),
        ("list_user_sessions", "other", "agent supervisor admin service"),
        ("update_session", "own", "agent supervisor admin service"),
        ("update_session", "other", "agent supervisor admin service"),
        ("end_session", "own", "*"),
        ("end_session", "other", "agent supervisor admin service"),
        ("write_message", "own", "*"),
        ("write_message", "other", "admin service"),
        ("write_internal", "own", "agent supervisor admin service"),
        ("write_internal", "other", "admin service"),
        ("edit_message", "own", "*"),
        ("edit_message", "late", "agent supervisor admin service"),
        ("edit_message", "other", "admin service"),
        ("delete_message", "own", "*"),
        ("delete_message", "late", "agent supervisor admin service"),
        ("delete_message", "other", "supervisor admin service"),
        ("restore_message", "own", "supervisor admin service"),
        ("restore_message", "late", "supervisor admin service"),
        ("restore_message", "other", "supervisor admin service"),
        ("send_receipt", "own", "*"),
        ("send_receipt", "other", "agent supervisor admin service"),
        ("add_extension", "own", "*"),
        ("add_extension", "other", "agent supervisor admin service"),
        ("remove_extension", "own", "*"),
        ("remove_extension", "other", "supervisor admin service"),
        ("react", "own", "*"),
        ("react", "other", "agent supervisor admin service"),
        ("upload_attachment", "own", "*"),
        ("upload_attachment", "other", "agent supervisor admin service"),
        ("use_attachment", "own", "*"),
        ("use_attachment", "other", "admin service"),
        ("list_audit", "other", "admin"),
        ("read_metrics", "other", "admin service"),
    ];

    /// What a caller may not even learn of.
    const HIDDEN: [(&str, &str, &str); 8] = [
        ("read_session", "other", "user"),
        ("update_session", "other", "user"),
        ("end_session", "other", "user"),
        ("upload_attachment", "other", "user"),
        ("use_attachment", "other", "user agent supervisor"),
        ("send_receipt", "other", "user"),
        ("add_extension", "other", "user"),
        ("react", "other", "user"),
    ];

    fn listed(list: &[(&str, &str, &str)], action: Action, relation: Relation, role: Role) -> bool {
        let relation = match relation {
            Relation::Own => "own",
            Relation::OwnButLate => "late",
            Relation::Other => "other",
        };
        let row = list.iter().find(|row| row.0 == action.as_str() && row.1 == relation);
        row.is_some_and(|row| row.2 == "*" || row.2.split(' ').any(|name| name == role.as_str()))
    }

    #[test]
    fn each_cell_of_the_table_holds() {
        for action in Action::ALL.iter().copied() {
            for relation in Relation::ALL {
                for role in Role::ALL {
                    let expected = match () {
                        () if listed(&ALLOWED, action, relation, role) => Yes,
                        () if listed(&HIDDEN, action, relation, role) => Hide,
                        () => No,
                    };
                    assert_eq!(decide(role, action, relation), expected, "{role} {action} {relation:?}");
                }
            }
        }
    }

    #[test]
    fn the_list_names_nothing_that_does_not_exist() {
        let actions: HashSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        let roles: HashSet<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
        for (action, relation, who) in ALLOWED.into_iter().chain(HIDDEN) {
            assert!(actions.contains(action), "{action}");
            assert!(["own", "late", "other"].contains(&relation), "{relation}");
            assert!(who == "*" || who.split(' ').all(|role| roles.contains(role)), "{who}");
        }
    }

    #[test]
    fn the_audit_keeps_what_is_done_to_others_and_in_their_name_but_not_what_services_write() {
        let mut kept = Vec::new();
        for action in Action::ALL.iter().copied() {
            for relation in Relation::ALL {
                let roles = Role::ALL.into_iter().filter(|role| decide(*role, action, relation) == Yes);
                let roles = roles.filter(|role| is_kept(*role, action, relation));
                kept.extend(roles.map(|role| format!("{role} {action} {relation:?}")));
            }
        }
        let expected = [
            "admin write_message Other",
            "admin edit_message Other",
            "service edit_message Other",
            "supervisor delete_message Other",
            "admin delete_message Other",
            "service delete_message Other",
            "supervisor restore_message Own",
            "admin restore_message Own",
            "service restore_message Own",
            "supervisor restore_message OwnButLate",
            "admin restore_message OwnButLate",
            "service restore_message OwnButLate",
            "supervisor restore_message Other",
            "admin restore_message Other",
            "service restore_message Other",
            "supervisor remove_extension Other",
            "admin remove_extension Other",
            "service remove_extension Other",
        ];
        assert_eq!(kept, expected);
    }

    #[test]
    fn each_action_is_denied_to_somebody() {
        for action in Action::ALL.iter().copied() {
            let denied = Role::ALL.iter().any(|role| decide(*role, action, Relation::Other) != Yes);
            assert!(denied, "a route that does not ask for {action} would not be seen");
        }
    }
}
