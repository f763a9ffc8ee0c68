//! Removing files that nobody will ever ask for.

use std::sync::Arc;

use super::port::{AttachmentFiles, AttachmentRepository};
use crate::error::RepositoryError;
use crate::timestamp::Timestamp;

/// So long after it was reserved a file lies where it stays, or never will, in seconds.
const RESERVED_SECONDS: i64 = 3_600;
/// A file without a row is left alone for so long, in seconds. A row is there before its file: only what went wrong in
/// another way, such as a store that was restored to an older state, leaves such files.
const STRAY_SECONDS: i64 = 48 * 3_600;

/// Removes what was never sent, what crashes left behind, and what was erased. Several nodes may do so at once.
#[derive(Clone)]
pub struct AttachmentSweep {
    attachments: Arc<dyn AttachmentRepository>,
    files: Arc<dyn AttachmentFiles>,
    unsent_seconds: i64,
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Attachments with their files.
    pub attachments: u64,
    /// Files that had not come to their end.
    pub unfinished: u64,
    /// Files without a row.
    pub strays: u64,
}

impl AttachmentSweep {
    /// A sweep of these, in which what is not sent for so many seconds goes.
    #[must_use]
    pub fn new(
        attachments: Arc<dyn AttachmentRepository>,
        files: Arc<dyn AttachmentFiles>,
        unsent_seconds: i64,
    ) -> Self {
        Self { attachments, files, unsent_seconds }
    }

    /// Removes what is known to be of no use any more: first the file, then the row, so that what is left half done is
    /// found again.
    ///
    /// # Errors
    /// That of the first step that fails; what those before it removed stays removed.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept, RepositoryError> {
        let unfinished = self.files.drop_unfinished_before(now.plus_seconds(-RESERVED_SECONDS)).await?;
        let mut attachments = 0;
        loop {
            let (reserved, unsent) = (now.plus_seconds(-RESERVED_SECONDS), now.plus_seconds(-self.unsent_seconds));
            let doomed = self.attachments.doom(reserved, unsent).await?;
            if doomed.is_empty() {
                return Ok(Swept { attachments, unfinished, strays: 0 });
            }
            for key in &doomed {
                self.files.remove(key).await?;
            }
            self.attachments.forget(&doomed).await?;
            attachments += doomed.len() as u64;
        }
    }

    /// Goes through all files in search of those without a row.
    ///
    /// # Errors
    /// That of the first step that fails.
    pub async fn sweep_strays(&self, now: Timestamp) -> Result<Swept, RepositoryError> {
        let mut strays = 0;
        let mut old = self.files.kept_before(now.plus_seconds(-STRAY_SECONDS)).await?;
        loop {
            let some = old.next().await?;
            if some.is_empty() {
                return Ok(Swept { strays, ..Swept::default() });
            }
            for key in self.attachments.strays(some).await? {
                self.files.remove(&key).await?;
                strays += 1;
            }
        }
    }
}
