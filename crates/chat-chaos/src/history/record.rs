//! Where the clients of a load write down what they asked and what came of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::model::{Deletion, Gone, Moment, Post, Read, Told};

/// A history in the making. A clone writes into the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    clock: AtomicU64,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    posts: Vec<Post>,
    reads: Vec<Read>,
    deletions: Vec<Deletion>,
    tally: Tally,
    /// What each request took, in the order of the answers.
    took: Vec<Duration>,
    /// By kind: how many there were, and one of them in full.
    surprises: BTreeMap<String, (usize, String)>,
    /// Why requests had no answer.
    silences: BTreeMap<String, usize>,
}

/// How requests ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Done, and told so.
    pub(crate) ok: usize,
    /// Not done, and told so.
    pub(crate) failed: usize,
    /// Nobody can say, or it was said that nobody can.
    pub(crate) unknown: usize,
    /// Messages that were acknowledged, deleted since or not.
    pub(crate) stored: usize,
    /// The longest wait for an answer.
    pub(crate) slowest: Duration,
}

impl Tally {
    /// Requests of which it was not told that they were done.
    pub(crate) const fn harmed(&self) -> usize {
        self.failed + self.unknown
    }
}

impl Log {
    fn took(&mut self, took: Duration) {
        self.tally.slowest = self.tally.slowest.max(took);
        self.took.push(took);
    }
}

impl Recorder {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This moment.
    pub(crate) fn now(&self) -> Moment {
        self.0.clock.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn post(&self, post: Post, took: Duration) {
        let mut log = self.log();
        match post.told {
            Told::Stored(_) => {
                log.tally.ok += 1;
                log.tally.stored += 1;
            }
            Told::Refused => log.tally.failed += 1,
            Told::Nothing => log.tally.unknown += 1,
        }
        log.took(took);
        log.posts.push(post);
    }

    pub(crate) fn read(&self, read: Read, took: Duration) {
        let mut log = self.log();
        log.tally.ok += 1;
        log.took(took);
        log.reads.push(read);
    }

    pub(crate) fn deletion(&self, deletion: Deletion, took: Duration) {
        let mut log = self.log();
        match deletion.gone {
            Gone::Deleted { .. } => log.tally.ok += 1,
            Gone::Refused => log.tally.failed += 1,
            Gone::Nothing => log.tally.unknown += 1,
        }
        log.took(took);
        log.deletions.push(deletion);
    }

    /// A read that came to nothing.
    pub(crate) fn failed_read(&self, took: Duration) {
        let mut log = self.log();
        log.tally.failed += 1;
        log.took(took);
    }

    /// An answer that no promise allows: its kind, and the whole of it.
    pub(crate) fn surprise(&self, kind: String, whole: String) {
        self.log().surprises.entry(kind).or_insert((0, whole)).0 += 1;
    }

    /// How many requests have ended.
    pub(crate) fn ended(&self) -> usize {
        self.log().took.len()
    }

    /// What all but one in a hundred of the requests took that ended behind this place; zero where there are none.
    pub(crate) fn ninety_nine(&self, behind: usize) -> Duration {
        let mut took: Vec<_> = self.log().took.iter().skip(behind).copied().collect();
        took.sort_unstable();
        took.get((took.len() * 99 / 100).min(took.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.log().tally
    }

    /// A request that had no answer, although its client waited for one.
    pub(crate) fn silence(&self, why: String) {
        *self.log().silences.entry(why).or_default() += 1;
    }

    /// Why requests had no answer, each with its number.
    pub(crate) fn silences(&self) -> Vec<String> {
        self.log().silences.iter().map(|(why, times)| format!("{times} times {why}")).collect()
    }

    pub(crate) fn surprises(&self) -> Vec<String> {
        let log = self.log();
        let told = log.surprises.iter().map(|(kind, (times, whole))| format!("{times} times {kind}: {whole}"));
        told.collect()
    }

    pub(crate) fn posts(&self) -> Vec<Post> {
        self.log().posts.clone()
    }

    pub(crate) fn deletions(&self) -> Vec<Deletion> {
        self.log().deletions.clone()
    }

    pub(crate) fn reads(&self) -> Vec<Read> {
        self.log().reads.clone()
    }
}
