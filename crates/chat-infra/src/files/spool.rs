//! Files while they are taken in: each a file of its own, which goes when nobody wants it any more. What a crash leaves
//! behind is found by its age.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chat_domain::error::RepositoryError;
use chat_domain::timestamp::Timestamp;
use tempfile::{Builder, NamedTempFile};

use super::blocking::{blocking, gone, moment};

/// What their names begin with.
const PREFIX: &str = "upload-";

/// The directory where files are taken in.
#[derive(Debug, Clone)]
pub(super) struct Spool(PathBuf);

/// A file that is being taken in.
#[derive(Debug)]
pub(super) struct Spooled {
    /// Not there while a piece is written.
    file: Option<NamedTempFile>,
}

/// A piece was given up in the middle: nobody knows how much of it was written.
#[derive(Debug, thiserror::Error)]
#[error("an earlier piece of the file was not written to its end")]
struct GivenUp;

impl Spool {
    /// In this directory, which is made where it is not there.
    pub(super) fn new(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// Begins a file.
    pub(super) async fn begin(&self) -> Result<Spooled, RepositoryError> {
        let directory = self.0.clone();
        let begin = move || {
            fs::create_dir_all(&directory)?;
            Builder::new().prefix(PREFIX).tempfile_in(directory)
        };
        Ok(Spooled { file: Some(blocking(begin).await?) })
    }

    /// Removes what was last written to before this time.
    pub(super) async fn drop_before(&self, time: Timestamp) -> Result<u64, RepositoryError> {
        let directory = self.0.clone();
        blocking(move || drop_before(&directory, time)).await
    }
}

fn drop_before(directory: &Path, time: Timestamp) -> io::Result<u64> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut dropped = 0;
    for entry in entries {
        let entry = entry?;
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // Another node may be faster, or the upload may have come to its end.
        let Ok(written) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
        if is_ours && moment(written) < time {
            dropped += u64::from(gone(fs::remove_file(entry.path()))?);
        }
    }
    Ok(dropped)
}

impl Spooled {
    /// Takes the next piece.
    pub(super) async fn write(&mut self, piece: Bytes) -> Result<(), RepositoryError> {
        let mut file = self.take()?;
        let write = move || {
            file.write_all(&piece)?;
            Ok(file)
        };
        self.file = Some(blocking(write).await?);
        Ok(())
    }

    /// The whole file.
    pub(super) fn whole(mut self) -> Result<NamedTempFile, RepositoryError> {
        self.take()
    }

    fn take(&mut self) -> Result<NamedTempFile, RepositoryError> {
        self.file.take().ok_or_else(|| RepositoryError::unavailable(GivenUp))
    }
}

/// Has the disk keep what was done to the names in a directory.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
