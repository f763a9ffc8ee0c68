//! Participants: who has received and read how much of a session, and how many of its messages somebody has not read.

mod draft;
mod model;
mod port;
mod service;

pub use draft::ReceiptDraft;
pub use model::{Participant, ParticipantRole, Reader, ReceiptKind, UnreadCount};
pub use port::{MarkOutcome, ParticipantRepository, Receipt, Unread, UnreadCounts};
#[cfg(feature = "testing")]
pub use port::{MockParticipantRepository, MockUnreadCounts};
pub use service::ParticipantService;
