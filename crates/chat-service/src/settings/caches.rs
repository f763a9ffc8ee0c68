//! How the memory for caches is shared out.

use super::model::Settings;

/// The most bytes of each cache within the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caches {
    /// Pages of messages, as values.
    pub(crate) pages: u64,
    /// Printed answers.
    pub(crate) answers: u64,
    /// Lists of users' sessions, as values; kept on SQLite only.
    pub(crate) lists: u64,
}

impl Settings {
    /// A page takes about as much as a value as it does printed, so that the two get about the same.
    pub(crate) const fn caches(&self) -> Caches {
        let eighth = self.cache_bytes / 8;
        Caches { pages: eighth * 4, answers: eighth * 3, lists: eighth }
    }
}
