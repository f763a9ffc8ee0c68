//! Attachments: files that are uploaded to a session and sent with a message.
//!
//! A file comes before its message. Its row is reserved before the file is put where it stays, and is good only once it
//! lies there, so that a crash between the two leaves nothing that is served; what is never sent is swept. Sent with a
//! message, it hangs there as an extension that has the attachment's id.

mod disposition;
mod draft;
mod error;
mod intake;
mod kind;
mod model;
mod name;
mod port;
mod rules;
mod service;
mod sweep;
mod upload;

pub use disposition::disposition;
pub use error::AttachmentError;
pub use kind::{AllowedTypes, InvalidType};
pub use model::{Attachment, Enclosure, FileKey};
pub use name::FileName;
pub use port::{
    AttachmentFiles, AttachmentRepository, CommitOutcome, FileReader, IncomingFile, NewAttachment, OldFiles,
    ReserveOutcome,
};
#[cfg(feature = "testing")]
pub use port::{MockAttachmentFiles, MockAttachmentRepository};
pub use rules::AttachmentRules;
pub use service::{AttachmentService, Opened};
pub use sweep::{AttachmentSweep, Swept};
pub use upload::{Described, Upload};

pub(crate) use draft::enclosed_ids;
