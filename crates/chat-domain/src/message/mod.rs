//! Messages: what is said in a session, in the order of `seq`.

mod changes;
mod draft;
mod edit;
mod history;
mod list;
mod model;
mod port;
mod service;
mod step;

pub use changes::{Changes, Since};
pub use draft::MessageDraft;
pub use edit::{MessageChange, MessagePatch, MessageRefusal};
pub use history::{HistoryDraft, HistoryQuery, KeptText, MessageHistory, TextEdit, TextVersion};
pub use list::{MessagePage, PageDraft, PageQuery, Window, newest_faults};
pub use model::{Message, MessageType, Sender, SenderType, Visibility};
pub use port::{
    AppendOutcome, Edit, EditOutcome, MessagePages, MessageRepository, NewMessage, Removal, RemoveOutcome, Restoration,
    RestoreOutcome,
};
#[cfg(feature = "testing")]
pub use port::{MockMessagePages, MockMessageRepository};
pub use service::{MessageError, MessageService};
pub use step::Step;
