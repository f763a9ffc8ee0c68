//! Why a use case of extensions did not do what was asked.

use super::room::NoRoom;
use crate::error::RepositoryError;
use crate::fault::Faults;
use crate::message::MessageError;

/// Why a use case of extensions did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ExtensionError {
    /// The input is at fault.
    #[error(transparent)]
    Invalid(#[from] Faults),
    /// The message is not there, is not to be seen, is deleted or may not be changed.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// There is no such extension on the message.
    #[error("no such extension")]
    NotFound,
    /// The key of the request had made an extension that is gone by now.
    #[error("the extension is gone")]
    Gone,
    /// The extension stays on its message for as long as that is there.
    #[error("the extension stays on its message")]
    Stays,
    /// The message has no room for it.
    #[error("the message has no room for it")]
    NoRoom(NoRoom),
}

impl From<RepositoryError> for ExtensionError {
    fn from(error: RepositoryError) -> Self {
        Self::Message(error.into())
    }
}
