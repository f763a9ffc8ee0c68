//! The names: of operations, of the systems that they are asked of, and of the ways in which they fail.

use chat_domain::error::RepositoryError;

/// What is asked, as metrics and traces call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    AttachmentsCommit,
    AttachmentsDoom,
    AttachmentsFind,
    AttachmentsForget,
    AttachmentsReplay,
    AttachmentsReserve,
    AttachmentsStrays,
    AuditForget,
    AuditList,
    CacheGet,
    CachePut,
    ExtensionsAdd,
    ExtensionsFind,
    ExtensionsRemove,
    IdempotencyForget,
    LimitsBuy,
    MessagesAppend,
    MessagesEdit,
    MessagesFind,
    MessagesHistory,
    MessagesPage,
    MessagesRemove,
    MessagesRestore,
    ParticipantsList,
    ParticipantsMark,
    ParticipantsUnread,
    RevisionsRead,
    SessionsCreate,
    SessionsFind,
    SessionsList,
    SessionsUpdate,
    StoreProbe,
}

impl Operation {
    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Self; 32] = [
        Self::AttachmentsCommit,
        Self::AttachmentsDoom,
        Self::AttachmentsFind,
        Self::AttachmentsForget,
        Self::AttachmentsReplay,
        Self::AttachmentsReserve,
        Self::AttachmentsStrays,
        Self::AuditForget,
        Self::AuditList,
        Self::CacheGet,
        Self::CachePut,
        Self::ExtensionsAdd,
        Self::ExtensionsFind,
        Self::ExtensionsRemove,
        Self::IdempotencyForget,
        Self::LimitsBuy,
        Self::MessagesAppend,
        Self::MessagesEdit,
        Self::MessagesFind,
        Self::MessagesHistory,
        Self::MessagesPage,
        Self::MessagesRemove,
        Self::MessagesRestore,
        Self::ParticipantsList,
        Self::ParticipantsMark,
        Self::ParticipantsUnread,
        Self::RevisionsRead,
        Self::SessionsCreate,
        Self::SessionsFind,
        Self::SessionsList,
        Self::SessionsUpdate,
        Self::StoreProbe,
    ];

    /// The thing and what is done with it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AttachmentsCommit => "attachments.commit",
            Self::AttachmentsDoom => "attachments.doom",
            Self::AttachmentsFind => "attachments.find",
            Self::AttachmentsForget => "attachments.forget",
            Self::AttachmentsReplay => "attachments.replay",
            Self::AttachmentsReserve => "attachments.reserve",
            Self::AttachmentsStrays => "attachments.strays",
            Self::AuditForget => "audit.forget",
            Self::AuditList => "audit.list",
            Self::CacheGet => "cache.get",
            Self::CachePut => "cache.put",
            Self::ExtensionsAdd => "extensions.add",
            Self::ExtensionsFind => "extensions.find",
            Self::ExtensionsRemove => "extensions.remove",
            Self::IdempotencyForget => "idempotency.forget",
            Self::LimitsBuy => "limits.buy",
            Self::MessagesAppend => "messages.append",
            Self::MessagesEdit => "messages.edit",
            Self::MessagesFind => "messages.find",
            Self::MessagesHistory => "messages.history",
            Self::MessagesPage => "messages.page",
            Self::MessagesRemove => "messages.remove",
            Self::MessagesRestore => "messages.restore",
            Self::ParticipantsList => "participants.list",
            Self::ParticipantsMark => "participants.mark",
            Self::ParticipantsUnread => "participants.unread",
            Self::RevisionsRead => "revisions.read",
            Self::SessionsCreate => "sessions.create",
            Self::SessionsFind => "sessions.find",
            Self::SessionsList => "sessions.list",
            Self::SessionsUpdate => "sessions.update",
            Self::StoreProbe => "store.probe",
        }
    }

    /// Asked for so many things at once.
    pub(crate) const fn of(self, batch: usize) -> Call {
        Call { operation: self, batch: Some(batch) }
    }
}

/// One operation, as it is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(super) operation: Operation,
    pub(super) batch: Option<usize>,
}

impl From<Operation> for Call {
    fn from(operation: Operation) -> Self {
        Self { operation, batch: None }
    }
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Postgres,
    Sqlite,
    Redis,
}

impl System {
    /// The value of the label `store`.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
            Self::Redis => "redis",
        }
    }

    /// What OpenTelemetry's conventions call it.
    pub(super) const fn convention(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::Sqlite => "sqlite",
            Self::Redis => "redis",
        }
    }

    /// Whether it knows this operation.
    pub(super) const fn knows(self, operation: Operation) -> bool {
        let of_redis = matches!(operation, Operation::CacheGet | Operation::CachePut | Operation::LimitsBuy);
        matches!(self, Self::Redis) == of_redis
    }
}

/// How an operation failed; the value of the label `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Unavailable,
    Busy,
    OutcomeUnknown,
    Corrupt,
    Internal,
}

impl Fault {
    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Self; 5] =
        [Self::Unavailable, Self::Busy, Self::OutcomeUnknown, Self::Corrupt, Self::Internal];

    /// As it stands in labels and attributes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Busy => "busy",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Corrupt => "corrupt",
            Self::Internal => "internal",
        }
    }
}

/// An error that is counted by its kind.
pub(crate) trait Classify {
    /// The kind.
    fn fault(&self) -> Fault;
}

impl Classify for RepositoryError {
    fn fault(&self) -> Fault {
        match self {
            Self::Unavailable(_) => Fault::Unavailable,
            Self::Busy(_) => Fault::Busy,
            Self::OutcomeUnknown(_) => Fault::OutcomeUnknown,
            Self::Corrupt(..) => Fault::Corrupt,
            Self::Internal(_) => Fault::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stands_at_the_place_of_its_number() {
        assert!(Operation::ALL.iter().enumerate().all(|(place, operation)| *operation as usize == place));
        assert!(Fault::ALL.iter().enumerate().all(|(place, fault)| *fault as usize == place));
    }
}
