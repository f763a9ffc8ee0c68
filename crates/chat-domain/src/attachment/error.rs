//! Why a use case of attachments did not do what was asked.

use crate::access::Denied;
use crate::error::RepositoryError;
use crate::fault::{Faults, Rejection};
use crate::revision::Rev;

/// Why a use case of attachments did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AttachmentError {
    /// The input is at fault.
    #[error(transparent)]
    Invalid(#[from] Faults),
    /// There is no such session that the caller may see.
    #[error("no such session")]
    SessionNotFound,
    /// There is no such attachment that the caller may see.
    #[error("no such attachment")]
    NotFound,
    /// The caller may see the thing, but not do this to it.
    #[error("not allowed")]
    Forbidden,
    /// The session takes no more files.
    #[error("the session has ended")]
    SessionEnded {
        /// The session's present `rev`.
        rev: Rev,
    },
    /// The idempotency key had been used for another command.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The file is longer than it may be.
    #[error("the file is longer than {limit} bytes")]
    TooLarge {
        /// How long it may be.
        limit: u64,
    },
    /// Files of this kind are not taken.
    #[error("files of type {0} are not taken")]
    TypeNotAllowed(&'static str),
    /// The file is not what its client called it.
    #[error("the file is of type {0}, and not what it was said to be")]
    TypeMismatch(&'static str),
    /// The tenant's files take all that they may.
    #[error("the files of the tenant take all that they may")]
    QuotaExceeded,
    /// A store is at fault.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl AttachmentError {
    /// A fault of the file itself.
    pub(super) fn of_file(code: &'static str, detail: &str) -> Self {
        Self::Invalid(Faults::body("/file", Rejection::new(code, detail)))
    }
}

/// What the caller is told who may not: of what is hidden, the same as where there is nothing.
pub(super) fn refused(denied: Denied, nothing: AttachmentError) -> AttachmentError {
    match denied {
        Denied::Forbidden => AttachmentError::Forbidden,
        Denied::Hidden => nothing,
    }
}
