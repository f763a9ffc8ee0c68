//! Messages: what is said in a session, in the order of `seq`.

mod changes;
mod draft;
mod list;
mod model;
mod port;
mod service;

pub use changes::{Changes, Since};
pub use draft::MessageDraft;
pub use list::{MessagePage, PageDraft, PageQuery, Window, newest_faults};
pub use model::{Message, MessageType, Sender, SenderType, Visibility};
pub use port::{AppendOutcome, MessagePages, MessageRepository, NewMessage, Removal, RemoveOutcome};
#[cfg(feature = "testing")]
pub use port::{MockMessagePages, MockMessageRepository};
pub use service::{MessageError, MessageService};
