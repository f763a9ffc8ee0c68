//! Moves the write-ahead log into the database file beside the writer, so that no commit waits for it.
//!
//! SQLite by itself does that within a commit, every 1,000 pages: with many sessions that is every few commits, and the
//! same pages each time. Here a thread of its own does it, after so much that a page which is written often is moved once
//! for many times. What the writer adds meanwhile is left over, and readers that overlap keep what they read from being
//! moved, so by that alone the log would never begin anew. Once it is long, the writer therefore stands still, moves the
//! little that is left, and waits a moment for readers: its next commit begins the log from the start. From a length on
//! it does so at once, and moves whatever there is, so that the log stays bounded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::sql_types::Integer;
use diesel::{QueryResult, RunQueryDsl as _, SqliteConnection};

use super::file::ClaimedFile;

/// Commits between two looks at the log; a look costs some microseconds.
const COMMITS: u32 = 16;
/// Rounds before the writer is asked: each has only what was added while the one before went on. SQLite syncs the file
/// after a round to which nothing was added, so one of the last does most of that, too.
const ROUNDS: usize = 6;

/// The longest that one attempt waits for readers, who mostly need some milliseconds. It waits for whoever holds one of few
/// places, and readers that overlap may hand that place on and on, though all that is left to move is theirs by then: the
/// next attempt sees that. So many short ones end far sooner than a long one.
pub(super) const ATTEMPT: Duration = Duration::from_millis(10);

/// How far the log may grow, in frames of a page each, and what that may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// From here on it is moved.
    long: i32,
    /// From here on the writer waits until it is moved.
    too_long: i32,
    /// The longest that the writer waits for readers, and so commits for the writer.
    patience: Duration,
}

impl Bounds {
    /// 48 MiB, and 192 MiB. Twice as many would halve what is written to the file, and double what lies on the disk
    /// beside it and is read after a crash. Of the time that an operation has the wait may take an eighth.
    pub(super) fn serving(deadline: Duration) -> Self {
        Self { long: 12 * 1024, too_long: 48 * 1024, patience: (deadline / 8).min(Duration::from_millis(500)) }
    }
}

/// What the writer does about its log.
pub(super) struct Log {
    wake: SyncSender<()>,
    shared: Arc<Shared>,
    bounds: Bounds,
    commits: u32,
    /// How long the log was when readers were last in the way.
    in_the_way_at: i32,
}

/// What both ends know.
struct Shared {
    /// The connection that moves. SQLite refuses whoever moves at the same time, and so only one may try.
    mover: Mutex<SqliteConnection>,
    /// The thread has done what it could, or the log is too long; it begins no round until the writer has had its turn.
    is_writers_turn: AtomicBool,
}

/// The thread's end.
struct Mover {
    shared: Arc<Shared>,
    bounds: Bounds,
    failing: bool,
}

impl Log {
    /// Starts the thread, which ends when this is dropped.
    ///
    /// # Errors
    /// Where the system gives no more threads.
    pub(super) fn start(
        mover: SqliteConnection,
        file: Arc<ClaimedFile>,
        bounds: Bounds,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (wake, woken) = sync_channel(1);
        let shared = Arc::new(Shared { mover: Mutex::new(mover), is_writers_turn: AtomicBool::new(false) });
        let mut mover = Mover { shared: Arc::clone(&shared), bounds, failing: false };
        let thread = std::thread::Builder::new().name("sqlite-log".to_owned()).spawn(move || {
            mover.serve(&woken);
            drop(mover);
            drop(file);
        })?;
        Ok((Self { wake, shared, bounds, commits: 0, in_the_way_at: 0 }, thread))
    }

    /// To be called by the writer after each commit, when its callers are answered.
    pub(super) fn committed(&mut self, connection: &mut SqliteConnection) {
        self.commits = self.commits.wrapping_add(1);
        let turn = &self.shared.is_writers_turn;
        if !self.commits.is_multiple_of(COMMITS) && !turn.load(Ordering::Relaxed) {
            return;
        }
        let Ok(frames) = frames(connection) else { return };
        if frames >= self.bounds.too_long {
            // Else the thread might begin one round after the other, and the writer wait for all of them.
            turn.store(true, Ordering::Release);
        }
        if turn.load(Ordering::Acquire) {
            self.begin_anew(frames);
        } else if frames >= self.bounds.long {
            // Where it is full the thread knows already.
            _ = self.wake.try_send(());
        }
    }

    /// Waits for the round that is under way and for readers. Where one reads for long, this is not done again before the
    /// log has grown by as much again, so that the writer is not slowed down for nothing.
    fn begin_anew(&mut self, frames: i32) {
        let has_grown = frames < self.in_the_way_at || frames - self.in_the_way_at >= self.bounds.long;
        if frames >= self.bounds.long && has_grown {
            self.in_the_way_at = if self.shared.begun_anew(self.bounds.patience) { 0 } else { frames };
        }
        self.shared.is_writers_turn.store(false, Ordering::Release);
        if self.in_the_way_at > 0 {
            // The thread goes on with what can be moved.
            _ = self.wake.try_send(());
        }
    }
}

impl Shared {
    fn mover(&self) -> MutexGuard<'_, SqliteConnection> {
        self.mover.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all is moved, and nobody reads it from the log any more.
    fn begun_anew(&self, patience: Duration) -> bool {
        let mut mover = self.mover();
        let since = Instant::now();
        loop {
            match checkpoint(&mut mover, "PRAGMA wal_checkpoint(RESTART)") {
                Ok((false, _)) => return true,
                // Without a count a foreign tool moves the log, and SQLite did not wait for it.
                Ok((true, frames)) if frames >= 0 && since.elapsed() < patience => {}
                // What fails here fails for the thread, too, which says so.
                Ok(_) | Err(_) => return false,
            }
        }
    }
}

impl Mover {
    fn serve(&mut self, woken: &Receiver<()>) {
        while woken.recv().is_ok() {
            let ended = self.move_log();
            if let (Err(error), false) = (&ended, self.failing) {
                tracing::warn!(error = %error, "the log cannot be moved into the database file, and grows");
            }
            self.failing = ended.is_err();
        }
    }

    fn move_log(&mut self) -> QueryResult<()> {
        for _ in 0..ROUNDS {
            if self.shared.is_writers_turn.load(Ordering::Acquire) {
                return Ok(());
            }
            // This waits for nobody. Where the log is short the writer has begun it anew since this was asked for.
            if moved(&mut self.shared.mover())? < self.bounds.long {
                return Ok(());
            }
        }
        self.shared.is_writers_turn.store(true, Ordering::Release);
        Ok(())
    }
}

/// Moves all of the log and gives its space back, where nobody else has the file open.
///
/// # Errors
/// Where the file cannot be written or read.
pub(super) fn emptied(connection: &mut SqliteConnection) -> QueryResult<()> {
    checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)").map(drop)
}

/// Moves what no reader and no writer is in the way of; how many frames the log has, -1 where a foreign tool moves it.
fn moved(connection: &mut SqliteConnection) -> QueryResult<i32> {
    checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)").map(|(_, frames)| frames)
}

/// How many frames the log has.
fn frames(connection: &mut SqliteConnection) -> QueryResult<i32> {
    checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)").map(|(_, frames)| frames)
}

/// Whether somebody was in the way, which for SQLite is no error, and how many frames the log has.
fn checkpoint(connection: &mut SqliteConnection, pragma: &str) -> QueryResult<(bool, i32)> {
    let row = sql::<(Integer, Integer, Integer)>(pragma).get_result::<(i32, i32, i32)>(connection)?;
    let (is_busy, frames, _) = row;
    Ok((is_busy != 0, frames))
}

#[cfg(test)]
mod tests;
