//! Where sets of keys come from.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::error::KeySetError;
use super::fetch::{Fetcher, KeySetUrl};

/// The largest set, in bytes.
pub(super) const MAX_SET_BYTES: u64 = 256 * 1024;

/// Where a set of keys is to be had.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// In a file, which is read again and again.
    File(PathBuf),
    /// At a URL.
    Url(KeySetUrl),
}

/// A source that is ready to be asked.
pub(super) enum Reader {
    File(PathBuf),
    Url(Fetcher),
}

impl Reader {
    /// Gets ready to ask.
    ///
    /// # Errors
    /// Where no HTTP client can be made.
    pub(super) fn of(source: &KeySource) -> Result<Self, KeySetError> {
        match source {
            KeySource::File(path) => Ok(Self::File(path.clone())),
            KeySource::Url(url) => Fetcher::to(url).map(Self::Url),
        }
    }

    /// The text of the set as it is now.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub(super) async fn read(&self) -> Result<Vec<u8>, KeySetError> {
        match self {
            Self::Url(fetcher) => fetcher.fetch().await,
            Self::File(path) => {
                let file = path.clone();
                let read = tokio::task::spawn_blocking(move || read_file(&file)).await;
                read.unwrap_or_else(|error| {
                    Err(KeySetError::File { path: path.clone(), source: io::Error::other(error) })
                })
            }
        }
    }
}

/// Reads a file, but not more of it than a set may have.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, KeySetError> {
    let unreadable = |source| KeySetError::File { path: path.to_owned(), source };
    // What is no file, such as a pipe, might keep its reader waiting for ever.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is not a file")));
    }
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_SET_BYTES + 1).read_to_end(&mut text)).map_err(unreadable)?;
    if text.len() as u64 > MAX_SET_BYTES { Err(KeySetError::TooLarge) } else { Ok(text) }
}
