//! The thread that writes, and the transactions that its callers share.
//!
//! Whatever waits when the writer becomes free goes into one transaction and onto the disk with one sync; nobody waits
//! for company. Where a piece of work fails, the whole transaction is rolled back and each piece is done again by
//! itself, so that only the one at fault fails. Business refusals are no failures, so this is rare.

use std::sync::Arc;
use std::thread::JoinHandle;

use chat_domain::error::RepositoryError;
use diesel::SqliteConnection;
use diesel::connection::SimpleConnection as _;
use tokio::sync::mpsc;

use super::changes::Memory;
use super::checkpoint::{Log, emptied};
use super::config::SqliteConfig;
use super::error::{commit_failed, failed};
use super::file::ClaimedFile;
use super::task::{Kind, Order, Queue, Task};
use crate::operation::{System, shared, statement};

/// The most pieces of work that share a transaction: enough to make the sync cheap, few enough that none waits long.
const MAX_SHARED: usize = 64;

/// The way to the one connection that writes. A clone leads to the same one.
#[derive(Clone)]
pub(super) struct Writer(Arc<Queue>);

/// Where a transaction failed.
enum Failure {
    /// In the work: it may be done again.
    Work(RepositoryError),
    /// Before or after it: to do it again would help nobody, or might do it twice.
    Transaction(RepositoryError),
}

impl Writer {
    /// Starts the thread, which ends after all others that have the file open.
    ///
    /// # Errors
    /// Where the system gives no more threads.
    pub(super) fn start(
        config: &SqliteConfig,
        mut connection: SqliteConnection,
        file: Arc<ClaimedFile>,
        memory: Memory,
        mut log: Log,
        others: Vec<JoinHandle<()>>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, mut orders) = mpsc::channel(config.queue.get());
        let thread = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            serve(&mut connection, &memory, &mut log, &mut orders);
            drop(log);
            // The last connection that is closed leaves no log; of two that are closed at once, neither is the last.
            for other in others {
                // A thread that panicked has ended, too.
                _ = other.join();
            }
            empty_log(&mut connection);
            drop(connection);
            drop(file);
        })?;
        Ok((Self(Arc::new(Queue::new(sender, config.deadline))), thread))
    }

    /// Runs the work in a transaction; it is durable when this returns.
    ///
    /// # Errors
    /// Those of the work, [`RepositoryError::Unavailable`] where there was no time for it, and
    /// [`RepositoryError::OutcomeUnknown`] where it was begun and did not end in time.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut SqliteConnection) -> Result<T, RepositoryError> + Send + 'static,
    {
        self.0.ask(Kind::Write, work).await
    }

    /// How much work waits for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.0.waiting()
    }

    pub(super) async fn stop(&self) {
        self.0.stop().await;
    }
}

fn serve(connection: &mut SqliteConnection, memory: &Memory, log: &mut Log, orders: &mut mpsc::Receiver<Order>) {
    let mut waiting = Vec::new();
    while orders.blocking_recv_many(&mut waiting, MAX_SHARED) > 0 {
        let mut tasks = Vec::with_capacity(waiting.len());
        for order in waiting.drain(..) {
            match order {
                Order::Do(task) if task.claim() => tasks.push(task),
                Order::Do(_) => {}
                Order::Stop => orders.close(),
            }
        }
        if !tasks.is_empty() {
            run(connection, memory, tasks);
            log.committed(connection);
        }
    }
}

fn run(connection: &mut SqliteConnection, memory: &Memory, mut tasks: Vec<Box<dyn Task>>) {
    let ended = match transaction(connection, memory, &mut tasks) {
        Ok(()) => Ok(()),
        Err(Failure::Work(_)) if tasks.len() > 1 => {
            return tasks.into_iter().for_each(|task| run(connection, memory, vec![task]));
        }
        Err(Failure::Work(error) | Failure::Transaction(error)) => Err(error),
    };
    for task in tasks {
        task.answer(ended.clone());
    }
}

fn transaction(connection: &mut SqliteConnection, memory: &Memory, tasks: &mut [Box<dyn Task>]) -> Result<(), Failure> {
    Memory::begin();
    let begun = for_all(tasks, "BEGIN", || connection.batch_execute("BEGIN IMMEDIATE"))
        .map_err(|error| Failure::Transaction(failed(error)));
    let worked =
        begun.and_then(|()| tasks.iter_mut().try_for_each(|task| task.work(connection)).map_err(Failure::Work));
    let committing = worked.is_ok().then(|| memory.commit());
    let ended = worked.and_then(|()| {
        for_all(tasks, "COMMIT", || connection.batch_execute("COMMIT"))
            .map_err(|error| Failure::Transaction(commit_failed(error)))
    });
    if ended.is_err() {
        // SQLite has often done it by itself, and then says that there is nothing to roll back.
        _ = connection.batch_execute("ROLLBACK");
    } else if let Some(committing) = committing {
        committing.done();
    }
    ended
}

/// Runs a statement that is part of every one of these tasks.
fn for_all<T>(tasks: &[Box<dyn Task>], name: &'static str, run: impl FnOnce() -> T) -> T {
    let spans = tasks.iter().map(|task| task.span());
    shared(spans, || statement(System::Sqlite, name)).in_scope(run)
}

/// Moves the log into the database file, so that what is left behind is one file.
fn empty_log(connection: &mut SqliteConnection) {
    if let Err(error) = emptied(connection) {
        tracing::warn!(error = %error, "the log was not moved into the database file; the next start does it");
    }
}
