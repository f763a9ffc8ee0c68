//! Extensions: what hangs on a message beside its text, such as attachments, reactions and earlier versions.

mod model;
mod port;

pub use model::{Extension, ExtensionType};
#[cfg(feature = "testing")]
pub use port::MockExtensionRepository;
pub use port::{AddOutcome, ExtensionRepository, NewExtension};
