//! Messages: what is said in a session, in the order of `seq`.

mod draft;
mod list;
mod model;
mod port;
mod service;

pub use draft::MessageDraft;
pub use list::{MessagePage, PageDraft, PageQuery, Window, newest_faults};
pub use model::{Message, MessageType, Sender, SenderType, Visibility};
#[cfg(feature = "testing")]
pub use port::MockMessageRepository;
pub use port::{AppendOutcome, MessageRepository, NewMessage, Removal, RemoveOutcome};
pub use service::{MessageError, MessageService};
