//! Sessions: a conversation between one user and the agents of a tenant.

mod draft;
mod list;
mod model;
mod port;
mod service;
mod state;

pub use crate::cursor::CursorDirection;
pub use draft::{MetadataEdit, SessionDraft, SessionPatch};
pub(crate) use draft::{metadata, metadata_change, uuid};
pub use list::{SeenSession, SessionCursor, SessionPage, UserSessions, UserSessionsDraft};
pub use model::{MetadataChange, Session, SessionChange, SessionRefusal, Tally};
pub use port::{
    CreateOutcome, NewSession, News, RevisionSource, SessionKey, SessionRepository, SessionUpdate, UpdateOutcome,
};
#[cfg(feature = "testing")]
pub use port::{MockRevisionSource, MockSessionRepository};
pub use service::{SessionError, SessionService};
pub use state::{InvalidTransition, SessionState, SessionStatus};
