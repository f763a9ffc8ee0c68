//! The programs that the suite starts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, Outcome};

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    service: PathBuf,
    postgres: Option<PathBuf>,
    redis: PathBuf,
}

/// Who runs PostgreSQL, which refuses to be run by root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl Programs {
    /// This build of the service, with the PostgreSQL programs of a directory and a Redis server; both from the `PATH`
    /// where they are left out.
    #[must_use]
    pub fn new(service: PathBuf, postgres: Option<PathBuf>, redis: Option<PathBuf>) -> Self {
        Self { service, postgres, redis: redis.unwrap_or_else(|| "redis-server".into()) }
    }

    pub(crate) fn service(&self) -> &Path {
        &self.service
    }

    /// One of PostgreSQL's programs.
    pub(crate) fn postgres(&self, name: &str) -> PathBuf {
        self.postgres.as_deref().unwrap_or(Path::new("")).join(name)
    }

    pub(crate) fn redis(&self) -> &Path {
        &self.redis
    }
}

impl Owner {
    /// `None` where this process can run PostgreSQL itself.
    ///
    /// # Errors
    /// For root, where there is nobody else.
    pub(crate) fn needed() -> Outcome<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let known = ["postgres", "nobody"].into_iter().find_map(Self::named);
        known.map(Some).ok_or_else(|| Failure::other("PostgreSQL does not run as root, and there is no other user"))
    }

    fn named(name: &str) -> Option<Self> {
        let id = |which: &str| {
            let output = Command::new("id").args([which, name]).stderr(Stdio::null()).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        Some(Self { user: id("-u")?, group: id("-g")? })
    }
}
