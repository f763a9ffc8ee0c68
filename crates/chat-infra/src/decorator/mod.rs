//! Ports around ports: they keep the promises of what they wrap, and make it fast.
//!
//! - [`GroupCommit`]: many appends become one.
//! - [`SharedRevs`]: many questions for a `rev` become one.
//! - [`CachedMessages`]: a page that did not change is not read again.
//! - [`TieredCache`]: a cache nearby in front of one that is shared.
//!
//! What works in the background (writers, workers, fills) runs on the tokio runtime in which the decorator was made, so
//! make them on the service's main one.

mod cached_messages;
mod group_commit;
mod guarded;
mod shared_revs;
mod tiered_cache;

pub use cached_messages::{CachedMessages, CachedMessagesConfig};
pub use group_commit::{GroupCommit, GroupCommitConfig};
pub use shared_revs::{SharedRevs, SharedRevsConfig};
pub use tiered_cache::TieredCache;
