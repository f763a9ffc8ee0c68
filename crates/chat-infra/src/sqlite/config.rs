//! What an SQLite store needs to know before it opens.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// Where the file lies and how much may go on at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The database file. It is made where it is missing, and so is its directory.
    pub path: PathBuf,
    /// Connections that read. Each keeps a thread and up to 2 MiB of pages.
    pub readers: NonZeroUsize,
    /// The longest that an operation takes, waiting for its turn included.
    pub deadline: Duration,
    /// Operations that may wait for the writer, and as many again for the readers. Who comes later waits for a place.
    pub queue: NonZeroUsize,
    /// The most bytes of lists of users' sessions that are kept in memory; 2 MiB. The bookkeeping comes on top.
    pub list_bytes: u64,
    /// How long such a list is kept; 10 minutes.
    pub list_ttl: Duration,
}

/// A URL that names no SQLite file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be sqlite:// followed by a path and nothing else, as in sqlite://data/chat.db or sqlite:///var/lib/chat.db"
)]
pub struct InvalidSqliteUrl;

impl SqliteConfig {
    /// What starts a URL that this store understands.
    pub const SCHEME: &str = "sqlite://";

    const READERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
    const QUEUE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1_023);

    /// This file with four readers, a deadline of 5 seconds and 1024 places in each queue.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            readers: Self::READERS,
            deadline: Duration::from_secs(5),
            queue: Self::QUEUE,
            list_bytes: 2 * 1024 * 1024,
            list_ttl: Duration::from_mins(10),
        }
    }

    /// The path that a URL names: `sqlite://data/chat.db` is relative to the working directory, `sqlite:///data/chat.db`
    /// is absolute. The path is taken to the letter, without escapes.
    ///
    /// # Errors
    /// For another scheme, no path, a directory, a database in memory, and parameters, which would be taken for a part
    /// of the name.
    pub fn path_of_url(url: &str) -> Result<PathBuf, InvalidSqliteUrl> {
        let path = url.strip_prefix(Self::SCHEME).ok_or(InvalidSqliteUrl)?;
        let refused =
            path.is_empty() || path.ends_with('/') || path.starts_with(':') || path.contains(['?', '#', '\0']);
        if refused { Err(InvalidSqliteUrl) } else { Ok(path.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_slashes_lead_to_a_relative_path_and_three_to_an_absolute_one() {
        for (url, path) in [
            ("sqlite://chat.db", "chat.db"),
            ("sqlite://data/chat.db", "data/chat.db"),
            ("sqlite://./data/chat.db", "./data/chat.db"),
            ("sqlite:///var/lib/chat.db", "/var/lib/chat.db"),
            ("sqlite:///var/my chats/100%.db", "/var/my chats/100%.db"),
        ] {
            assert_eq!(SqliteConfig::path_of_url(url), Ok(path.into()), "{url}");
        }
    }

    #[test]
    fn what_names_no_file_is_refused() {
        for url in [
            "",
            "chat.db",
            "sqlite:chat.db",
            "sqlite://",
            "sqlite:///",
            "sqlite://data/",
            "sqlite://:memory:",
            "sqlite://chat.db?mode=ro",
            "sqlite://chat.db#x",
            "postgres://localhost/chat",
        ] {
            assert_eq!(SqliteConfig::path_of_url(url), Err(InvalidSqliteUrl), "{url}");
        }
    }
}
