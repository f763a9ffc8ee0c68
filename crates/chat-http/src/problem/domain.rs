//! What the domain says went wrong, as problems. The matches are exhaustive on purpose: a new variant must not compile
//! until it has a kind.

use chat_domain::audit::AuditError;
use chat_domain::error::RepositoryError;
use chat_domain::extension::{ExtensionError, NoRoom};
use chat_domain::fault::Faults;
use chat_domain::figures::FiguresForbidden;
use chat_domain::message::MessageError;
use chat_domain::session::{SessionError, SessionStatus};
use std::sync::Arc;

use super::{Kind, Problem};

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Invalid(faults) => Self::invalid(faults),
            SessionError::NotFound => session_not_found(),
            SessionError::Forbidden => forbidden(),
            SessionError::KeyReused => key_reused(),
            SessionError::PreconditionFailed => moved_on("session"),
            SessionError::InvalidTransition { transition, rev } => {
                let detail = format!("A session cannot go from {} to {}.", transition.from, transition.to);
                Self::new(Kind::InvalidTransition, detail).with_session(transition.from, rev)
            }
            SessionError::Ended { rev } => {
                let detail = "The session has ended: its agent cannot change any more.";
                Self::new(Kind::SessionEnded, detail).with_session(SessionStatus::Ended, rev)
            }
            SessionError::Repository(error) => error.into(),
        }
    }
}

impl From<MessageError> for Problem {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Invalid(faults) => Self::invalid(faults),
            MessageError::SessionNotFound => session_not_found(),
            MessageError::NotFound => {
                Self::new(Kind::MessageNotFound, "There is no such message, or it is not yours to see.")
            }
            MessageError::Forbidden => forbidden(),
            MessageError::Deleted => Self::new(Kind::MessageDeleted, "The message is deleted, and cannot change."),
            MessageError::KeyReused => key_reused(),
            MessageError::PreconditionFailed => moved_on("message"),
            MessageError::SessionEnded { rev } => {
                let detail = "The session has ended and takes no more messages.";
                Self::new(Kind::SessionEnded, detail).with_session(SessionStatus::Ended, rev)
            }
            MessageError::Repository(error) => error.into(),
        }
    }
}

impl From<ExtensionError> for Problem {
    fn from(error: ExtensionError) -> Self {
        match error {
            ExtensionError::Invalid(faults) => Self::invalid(faults),
            ExtensionError::Message(error) => error.into(),
            ExtensionError::NotFound => {
                Self::new(Kind::ExtensionNotFound, "There is no such extension on the message.")
            }
            ExtensionError::Gone => {
                let detail = "An earlier request with this Idempotency-Key made an extension that is gone by now.";
                Self::new(Kind::ExtensionGone, detail)
            }
            ExtensionError::Stays => {
                Self::new(Kind::ExtensionStays, "Attachments and earlier versions of its text stay on a message.")
            }
            ExtensionError::NoRoom(no_room) => no_room.into(),
        }
    }
}

impl From<NoRoom> for Problem {
    fn from(no_room: NoRoom) -> Self {
        match no_room {
            NoRoom::TooMany => Self::new(Kind::TooManyExtensions, "A message holds at most 100 extensions."),
            NoRoom::TooLarge => Self::new(
                Kind::ExtensionsTooLarge,
                "The extensions of clients' own types have at most 131072 bytes of data together on a message.",
            ),
            NoRoom::TooManyEmoji => Self::new(Kind::TooManyEmoji, "A message shows at most 20 different emoji."),
        }
    }
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Invalid(faults) => Self::invalid(faults),
            AuditError::Forbidden => forbidden(),
            AuditError::Repository(error) => error.into(),
        }
    }
}

impl From<FiguresForbidden> for Problem {
    fn from(FiguresForbidden: FiguresForbidden) -> Self {
        forbidden()
    }
}

impl From<RepositoryError> for Problem {
    fn from(error: RepositoryError) -> Self {
        let (kind, detail) = match &error {
            RepositoryError::Unavailable(_) => {
                (Kind::StoreUnavailable, "The store cannot be reached at the moment. Nothing was changed; try again.")
            }
            RepositoryError::Busy(_) => {
                (Kind::StoreUnavailable, "Somebody else holds this in the store. Nothing was changed; try again.")
            }
            RepositoryError::OutcomeUnknown(_) => (
                Kind::OutcomeUnknown,
                "The store did not say whether the change was made. Try again with the same Idempotency-Key.",
            ),
            RepositoryError::Corrupt(..) | RepositoryError::Internal(_) => {
                (Kind::Internal, "Something went wrong on our side.")
            }
        };
        Self::new(kind, detail).with_source(Arc::new(error))
    }
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Self {
        Self::invalid(faults)
    }
}

pub(super) fn session_not_found() -> Problem {
    Problem::new(Kind::SessionNotFound, "There is no such session, or it is not yours to see.")
}

pub(super) fn forbidden() -> Problem {
    Problem::new(Kind::Forbidden, "The caller's role does not allow this.")
}

pub(super) fn key_reused() -> Problem {
    Problem::new(Kind::IdempotencyKeyReused, "The Idempotency-Key was used before, for another request.")
}

fn moved_on(thing: &str) -> Problem {
    Problem::new(Kind::PreconditionFailed, format!("The {thing} is not in the state that If-Match names."))
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;
    use actix_web::http::header::RETRY_AFTER;

    use super::*;

    #[test]
    fn what_another_holds_may_be_tried_again_soon() {
        let problem = Problem::from(RepositoryError::busy(std::fmt::Error));
        assert_eq!(problem.kind().code(), "store_unavailable");
        assert!(problem.error_response().headers().contains_key(RETRY_AFTER));
    }
}
