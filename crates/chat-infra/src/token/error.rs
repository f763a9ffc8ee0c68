//! Why there is no set of keys.

use std::io;
use std::path::PathBuf;

use super::source::MAX_SET_BYTES;

/// Why a set of keys could not be had. What the set holds never stands in it.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Whoever has the keys does not answer.
    #[error("the key set cannot be fetched")]
    Fetch(#[source] reqwest::Error),
    /// Whoever has the keys answers something else.
    #[error("the key set was answered with status {0}")]
    Status(u16),
    /// It is larger than any sound set.
    #[error("the key set is larger than {} KiB", MAX_SET_BYTES / 1024)]
    TooLarge,
    /// It is something else.
    #[error("this is no JSON Web Key Set of at most {} keys", super::jwks::MAX_KEYS)]
    Malformed,
    /// No key in it can be used for tokens.
    #[error("the key set holds no key for RS256, ES256 or EdDSA")]
    Empty,
    /// The system's certificates cannot be had.
    #[error("no client for the key set can be made")]
    Client(#[source] reqwest::Error),
}
