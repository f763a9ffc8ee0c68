//! Extensions: what hangs on a message beside its text, such as attachments, reactions and earlier versions.
//!
//! A reaction is an extension of the type `reaction` that only its own use case makes: one of its actor and emoji.

mod draft;
mod emoji;
mod error;
mod list;
mod model;
mod port;
mod react;
mod reaction;
mod refused;
mod room;
mod service;

pub use draft::ExtensionDraft;
pub use emoji::Emoji;
pub use error::ExtensionError;
pub use list::ExtensionPage;
pub use model::{Attached, Extension, ExtensionType};
#[cfg(feature = "testing")]
pub use port::MockExtensionRepository;
pub use port::{AddOutcome, DetachOutcome, Detachment, ExtensionRepository, NewExtension, Which};
pub use reaction::Reaction;
pub use room::{NoRoom, find_room};
pub use service::ExtensionService;
