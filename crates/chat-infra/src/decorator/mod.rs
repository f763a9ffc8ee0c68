//! Ports around ports: they keep the promises of what they wrap, and make it fast.
//!
//! - [`GroupCommit`]: many appends become one.
//! - [`SharedRevs`]: many questions for a `rev` become one.
//! - [`SharedChanges`]: many questions for what has changed become one.
//! - [`SharedProbe`]: many questions whether something is there become one.
//! - [`CachedMessages`]: a page that did not change is not read again.
//! - [`CachedUnread`]: what is unread is not counted again where nothing happened.
//!
//! What works in the background (writers, workers, fills) runs on the tokio runtime in which the decorator was made, so
//! make them on the service's main one.

mod cached_messages;
mod cached_unread;
mod gather;
mod group_commit;
mod guarded;
mod shared_changes;
mod shared_probe;
mod shared_revs;

pub use cached_messages::{CachedMessages, CachedMessagesConfig};
pub use cached_unread::CachedUnread;
pub use group_commit::{GroupCommit, GroupCommitConfig};
pub use shared_changes::SharedChanges;
pub use shared_probe::SharedProbe;
pub use shared_revs::{SharedRevs, SharedRevsConfig};
