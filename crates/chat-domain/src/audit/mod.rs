//! Who did what to which thing, without what it says.
//!
//! Two places keep it. Each change to a session, each edit, deletion and restoration of a message, each message that an
//! admin wrote under another's name, each reading of the audit and each attempt that was forbidden is told to an
//! [`AuditLog`]; what is done to others or in their name is also an [`AuditEntry`] in the store, written in one step with
//! what it records, where an admin can read it.

mod list;
mod log;
mod model;
mod port;
mod service;

pub use list::{AuditCursor, AuditDraft, AuditPage, AuditQuery};
pub use log::{AuditLog, Deed, Outcome};
pub use model::{AuditEntry, Thing};
pub use port::AuditRepository;
#[cfg(feature = "testing")]
pub use port::MockAuditRepository;
pub use service::{AuditError, AuditService};
