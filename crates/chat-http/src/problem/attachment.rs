//! What the domain says went wrong with attachments, as problems.

use chat_domain::attachment::AttachmentError;
use chat_domain::session::SessionStatus;

use super::domain::{forbidden, key_reused, session_not_found};
use super::{Kind, Problem};

impl From<AttachmentError> for Problem {
    fn from(error: AttachmentError) -> Self {
        match error {
            AttachmentError::Invalid(faults) => Self::invalid(faults),
            AttachmentError::SessionNotFound => session_not_found(),
            AttachmentError::NotFound => {
                Self::new(Kind::AttachmentNotFound, "There is no such attachment, or it is not yours to see.")
            }
            AttachmentError::Forbidden => forbidden(),
            AttachmentError::SessionEnded { rev } => {
                let detail = "The session has ended and takes no more files.";
                Self::new(Kind::SessionEnded, detail).with_session(SessionStatus::Ended, rev)
            }
            AttachmentError::KeyReused => key_reused(),
            AttachmentError::TooLarge { limit } => {
                Self::new(Kind::PayloadTooLarge, format!("The file must be at most {limit} bytes."))
            }
            AttachmentError::TypeNotAllowed(kind) => {
                Self::new(Kind::AttachmentTypeNotAllowed, format!("The file is {kind}, which is not taken."))
            }
            AttachmentError::TypeMismatch(kind) => {
                let detail = format!("The file is {kind}, and not what its Content-Type says.");
                Self::new(Kind::AttachmentTypeMismatch, detail)
            }
            AttachmentError::QuotaExceeded => {
                Self::new(Kind::AttachmentQuotaExceeded, "The tenant's files take all the room that they may.")
            }
            AttachmentError::Repository(error) => error.into(),
        }
    }
}
