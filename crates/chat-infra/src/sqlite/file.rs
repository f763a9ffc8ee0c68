//! The database file, for its owner's eyes only, and the lock that makes this process its only one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::store::OpenError;

/// The database file of an open store. As long as it lives, no other process opens the file, and nobody in this one.
#[derive(Debug)]
pub(super) struct ClaimedFile {
    path: PathBuf,
    /// Held, never read: the lock ends with it, also where the process is killed.
    _lock: File,
}

impl ClaimedFile {
    /// Makes the file and its directory where they are missing, and claims it.
    ///
    /// # Errors
    /// Where another process has it, or the file system refuses.
    pub(super) fn claim(path: &Path) -> Result<Self, OpenError> {
        let cannot = |source| OpenError::File { path: path.to_owned(), source };
        make_directory(path).map_err(cannot)?;
        make_file(path).map_err(cannot)?;
        // Two ways to the same file must lead to the same lock.
        let path = path.canonicalize().map_err(cannot)?;
        let lock = make_file(&lock_path(&path)).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(OpenError::File { path: lock_path(&path), source }),
        }
    }

    /// The absolute path of the database file, without symbolic links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn make_directory(path: &Path) -> std::io::Result<()> {
    let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// SQLite gives the files that it puts beside this one the same mode.
fn make_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
