//! Faults below a process: a clock that is wrong, a disk that is full.
//!
//! Both come from a small library that is built by the C compiler (which the workspace needs anyway) and preloaded into
//! one process. So they need no rights and no package, strike nobody else, and begin and end when they are told to. The
//! disk stands for a file system without free blocks: what is there can be overwritten, nothing can grow (`ENOSPC`).
//! Linux only, and programs that are linked dynamically.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;

use crate::failure::{Failure, Outcome};

const SOURCE: &str = include_str!("shim.c");

/// The built library. A clone is the same one.
#[derive(Debug, Clone)]
pub(crate) struct Shim(Arc<TempDir>);

impl Shim {
    /// Builds it where every user can read it.
    pub(crate) async fn build() -> Outcome<Self> {
        let cannot = |source| Failure::Io { what: "the shim cannot be built".to_owned(), source };
        let readable = Permissions::from_mode(0o755);
        let directory = tempfile::Builder::new().prefix("chaos-").permissions(readable).tempdir();
        let shim = Self(Arc::new(directory.map_err(cannot)?));
        let source = shim.file("shim.c");
        fs::write(&source, SOURCE).map_err(cannot)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-shared", "-fPIC", "-o"]).arg(shim.library()).arg(&source);
        let built = tokio::task::spawn_blocking(move || compiler.output()).await;
        let built = built.map_err(|error| Failure::other(error.to_string()))?.map_err(cannot)?;
        if !built.status.success() {
            return Err(Failure::other(format!("cc: {}", String::from_utf8_lossy(&built.stderr))));
        }
        Ok(shim)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn library(&self) -> PathBuf {
        self.file("shim.so")
    }

    /// While this file is there, disks are full.
    fn full(&self) -> PathBuf {
        self.file("full")
    }

    /// The variables of a process whose time of day is wrong by so many seconds.
    pub(crate) fn clock(&self, seconds: i64) -> [(String, String); 2] {
        [self.preload(), ("CHAOS_CLOCK_SHIFT".to_owned(), seconds.to_string())]
    }

    /// The variables of a process that has this directory on a disk that can be full.
    pub(crate) fn disk(&self, directory: &Path) -> [(String, String); 3] {
        [
            self.preload(),
            ("CHAOS_DISK".to_owned(), directory.display().to_string()),
            ("CHAOS_DISK_FULL".to_owned(), self.full().display().to_string()),
        ]
    }

    fn preload(&self) -> (String, String) {
        ("LD_PRELOAD".to_owned(), self.library().display().to_string())
    }

    /// From now on disks are full, or no longer.
    pub(crate) fn set_full(&self, full: bool) -> Outcome {
        let done = if full { fs::write(self.full(), "") } else { fs::remove_file(self.full()) };
        done.map_err(Failure::io("a disk cannot be filled or emptied"))
    }
}
