//! Files in memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use super::FakeClock;
use crate::attachment::{AttachmentFiles, FileKey, FileReader, IncomingFile, OldFiles};
use crate::clock::Clock as _;
use crate::error::RepositoryError;
use crate::timestamp::Timestamp;

/// A piece of a file that is read.
const PIECE: usize = 16 * 1024;

/// Files in memory, which are as old as the clock says. A clone is a handle on the same ones.
#[derive(Clone, Default)]
pub struct FakeFiles {
    clock: FakeClock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    kept: BTreeMap<FileKey, (Timestamp, Bytes)>,
    unfinished: usize,
    broken: bool,
}

/// The store was broken on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the files are out of reach on purpose")]
struct BrokenOnPurpose;

impl FakeFiles {
    /// No files yet.
    #[must_use]
    pub fn new(clock: FakeClock) -> Self {
        Self { clock, state: Arc::default() }
    }

    /// The keys of all files.
    #[must_use]
    pub fn keys(&self) -> Vec<FileKey> {
        self.lock().kept.keys().cloned().collect()
    }

    /// How many files are being taken in.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.lock().unfinished
    }

    /// From now on no file is kept, read or removed, or each is again.
    pub fn break_down(&self, broken: bool) {
        self.lock().broken = broken;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, RepositoryError> {
        let state = self.lock();
        if state.broken { Err(RepositoryError::unavailable(BrokenOnPurpose)) } else { Ok(state) }
    }
}

#[async_trait]
impl AttachmentFiles for FakeFiles {
    async fn receive(&self) -> Result<Box<dyn IncomingFile>, RepositoryError> {
        self.lock().unfinished += 1;
        Ok(Box::new(Incoming { files: self.clone(), bytes: Vec::new() }))
    }

    async fn read(&self, key: &FileKey, range: Range<u64>) -> Result<Option<Box<dyn FileReader>>, RepositoryError> {
        let state = self.open()?;
        let Some((_, bytes)) = state.kept.get(key) else { return Ok(None) };
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let (start, end) = (place(range.start), place(range.end));
        Ok(Some(Box::new(Reading(bytes.slice(start..end.max(start))))))
    }

    async fn remove(&self, key: &FileKey) -> Result<(), RepositoryError> {
        self.open()?.kept.remove(key);
        Ok(())
    }

    async fn kept_before(&self, time: Timestamp) -> Result<Box<dyn OldFiles>, RepositoryError> {
        let state = self.open()?;
        let old = state.kept.iter().filter(|(_, (kept, _))| *kept < time).map(|(key, _)| key.clone());
        Ok(Box::new(Old(old.collect())))
    }

    async fn drop_unfinished_before(&self, _: Timestamp) -> Result<u64, RepositoryError> {
        // Memory does not outlive a crash.
        Ok(0)
    }
}

struct Incoming {
    files: FakeFiles,
    bytes: Vec<u8>,
}

#[async_trait]
impl IncomingFile for Incoming {
    async fn write(&mut self, piece: Bytes) -> Result<(), RepositoryError> {
        self.bytes.extend_from_slice(&piece);
        Ok(())
    }

    async fn keep(mut self: Box<Self>, key: &FileKey) -> Result<(), RepositoryError> {
        let bytes = std::mem::take(&mut self.bytes);
        self.files.open()?.kept.insert(key.clone(), (self.files.clock.now(), bytes.into()));
        Ok(())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.files.lock().unfinished -= 1;
    }
}

struct Reading(Bytes);

#[async_trait]
impl FileReader for Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, RepositoryError> {
        let piece = self.0.split_to(self.0.len().min(PIECE));
        Ok((!piece.is_empty()).then_some(piece))
    }
}

struct Old(Vec<FileKey>);

#[async_trait]
impl OldFiles for Old {
    async fn next(&mut self) -> Result<Vec<FileKey>, RepositoryError> {
        Ok(std::mem::take(&mut self.0))
    }
}
