//! What the rule book and the store refuse, as callers are told.

use super::error::ExtensionError;
use super::port::{AddOutcome, DetachOutcome};
use crate::access::Denied;
use crate::error::RepositoryError;
use crate::message::MessageError;

/// The store did something that nobody asked it for.
#[derive(Debug, thiserror::Error)]
#[error("the store gave an outcome that was not asked for")]
struct Unasked;

/// What the caller is told who may not: of what is hidden, the same as where there is nothing.
pub(super) fn denied(denied: Denied) -> ExtensionError {
    ExtensionError::Message(match denied {
        Denied::Forbidden => MessageError::Forbidden,
        Denied::Hidden => MessageError::NotFound,
    })
}

/// Why nothing was added.
pub(super) fn not_added(outcome: &AddOutcome) -> ExtensionError {
    match outcome {
        AddOutcome::Gone => ExtensionError::Gone,
        AddOutcome::KeyReused => MessageError::KeyReused.into(),
        AddOutcome::MessageMissing => MessageError::NotFound.into(),
        AddOutcome::PreconditionFailed => MessageError::PreconditionFailed.into(),
        AddOutcome::MessageDeleted => MessageError::Deleted.into(),
        AddOutcome::NoRoom(no_room) => ExtensionError::NoRoom(*no_room),
        AddOutcome::Added { .. } | AddOutcome::AlreadyThere(_) | AddOutcome::Replayed { .. } => {
            RepositoryError::internal(Unasked).into()
        }
    }
}

/// Why nothing was taken off.
pub(super) fn not_detached(outcome: &DetachOutcome) -> ExtensionError {
    match outcome {
        DetachOutcome::MessageMissing => MessageError::NotFound.into(),
        DetachOutcome::PreconditionFailed => MessageError::PreconditionFailed.into(),
        DetachOutcome::MessageDeleted => MessageError::Deleted.into(),
        DetachOutcome::Removed(_) | DetachOutcome::NotThere(_) => RepositoryError::internal(Unasked).into(),
    }
}
