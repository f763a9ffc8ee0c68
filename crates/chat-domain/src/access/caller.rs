//! Who calls, and what such a caller sees of a session.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::rules::{Action, Decision, Relation, decide};
use crate::fault::Rejection;
use crate::id::{ParticipantId, TenantId};
use crate::message::{Sender, SenderType};
use crate::participant::{ParticipantRole, Reader};

/// What a caller is allowed in general; the table in [`decide`](super::decide) says what that means for each action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A visitor: sees and writes in its own sessions only.
    User,
    /// Serves visitors: sees all sessions of its tenant.
    Agent,
    /// Leads agents.
    Supervisor,
    /// Runs the tenant.
    Admin,
    /// Another program of the platform.
    Service,
}

impl Role {
    /// All roles, weakest first.
    pub const ALL: [Self; 5] = [Self::User, Self::Agent, Self::Supervisor, Self::Admin, Self::Service];

    /// The role's name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        let names = "must be one of user, agent, supervisor, admin, service";
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| Rejection::new("unknown_role", names))
    }
}

/// How much of a session a caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Public messages only, and counts without the others.
    Public,
    /// Everything, internal notes included.
    Full,
}

impl View {
    /// A letter for keys of caches and `ETag`s.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Public => 'p',
            Self::Full => 'f',
        }
    }
}

/// Who makes a request, for which tenant, in which role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    tenant: TenantId,
    id: ParticipantId,
    role: Role,
}

impl Caller {
    /// A caller whose identity was established by an adapter.
    #[must_use]
    pub const fn new(tenant: TenantId, id: ParticipantId, role: Role) -> Self {
        Self { tenant, id, role }
    }

    /// The tenant in which everything that the caller does takes place.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The caller's own id.
    #[must_use]
    pub const fn id(&self) -> &ParticipantId {
        &self.id
    }

    /// The caller's role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// What the caller sees of a session that it may see at all.
    #[must_use]
    pub const fn view(&self) -> View {
        match self.role {
            Role::User => View::Public,
            Role::Agent | Role::Supervisor | Role::Admin | Role::Service => View::Full,
        }
    }

    /// Whether the sender is the caller itself, on the caller's own side of the conversation.
    #[must_use]
    pub fn writes_as(&self, sender: &Sender) -> bool {
        self.side() == Some(sender.sender_type) && sender.id == self.id
    }

    /// As whom the caller reacts, and hangs things on messages: itself, on its own side. A service does so as the platform.
    #[must_use]
    pub fn actor(&self) -> Sender {
        Sender { sender_type: self.side().unwrap_or(SenderType::System), id: self.id.clone() }
    }

    /// What a session of this user, or the list of all of them, is to the caller.
    #[must_use]
    pub(crate) fn relation_to(&self, user: &ParticipantId) -> Relation {
        if self.id == *user { Relation::Own } else { Relation::Other }
    }

    /// The side on which the caller writes where it does not say; a service writes for others and has none.
    #[must_use]
    pub const fn side(&self) -> Option<SenderType> {
        match self.role {
            Role::User => Some(SenderType::User),
            Role::Agent | Role::Supervisor | Role::Admin => Some(SenderType::Agent),
            Role::Service => None,
        }
    }

    /// Which participant the caller is in a session: on its own side where it has one. A service, which writes for others,
    /// reads for itself, as one of those who serve: what a bot says as an agent of its own name is the bot's own.
    #[must_use]
    pub fn reader(&self) -> Reader {
        let role = match self.role {
            Role::User => ParticipantRole::User,
            Role::Agent | Role::Supervisor | Role::Admin | Role::Service => ParticipantRole::Agent,
        };
        Reader { role, id: self.id.clone() }
    }

    /// The only user whose sessions the caller may see; `None` where it may see all of its tenant.
    #[must_use]
    pub const fn confined_to(&self) -> Option<&ParticipantId> {
        if self.may(Action::ReadSession, Relation::Other) { None } else { Some(&self.id) }
    }

    /// Whether the rule book allows the caller this, where neither answer has to be told: to do it takes a permit.
    pub(crate) const fn may(&self, action: Action, relation: Relation) -> bool {
        matches!(decide(self.role, action, relation), Decision::Allow)
    }
}
