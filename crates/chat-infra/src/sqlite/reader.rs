//! The threads that read: each has a connection of its own, all share one queue.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use chat_domain::error::RepositoryError;
use diesel::SqliteConnection;
use diesel::connection::SimpleConnection as _;
use tokio::sync::mpsc;

use super::config::SqliteConfig;
use super::error::failed;
use super::file::ClaimedFile;
use super::task::{Kind, Order, Queue};

/// The way to the connections that read. A clone leads to the same ones.
#[derive(Clone)]
pub(super) struct Readers(Arc<Queue>);

impl Readers {
    /// Starts a thread for each connection.
    ///
    /// # Errors
    /// Where the system gives no more threads.
    pub(super) fn start(
        config: &SqliteConfig,
        connections: Vec<SqliteConnection>,
        file: &Arc<ClaimedFile>,
    ) -> std::io::Result<(Self, Vec<JoinHandle<()>>)> {
        let (sender, orders) = mpsc::channel(config.queue.get());
        let orders = Arc::new(Mutex::new(orders));
        let mut threads = Vec::new();
        for (number, mut connection) in connections.into_iter().enumerate() {
            let (orders, file) = (Arc::clone(&orders), Arc::clone(file));
            let thread = std::thread::Builder::new().name(format!("sqlite-reader-{number}"));
            threads.push(thread.spawn(move || {
                serve(&mut connection, &orders);
                drop(connection);
                drop(file);
            })?);
        }
        Ok((Self(Arc::new(Queue::new(sender, config.deadline))), threads))
    }

    /// Runs the work in one read transaction, so that all its statements see the same moment.
    ///
    /// # Errors
    /// Those of the work, and [`RepositoryError::Unavailable`] where there was no time for it.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut SqliteConnection) -> Result<T, RepositoryError> + Send + 'static,
    {
        self.0.ask(Kind::Read, move |connection| snapshot(connection, &work)).await
    }

    /// How much work waits for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.0.waiting()
    }

    pub(super) async fn stop(&self) {
        self.0.stop().await;
    }
}

fn serve(connection: &mut SqliteConnection, orders: &Mutex<mpsc::Receiver<Order>>) {
    loop {
        let mut queue = orders.lock().unwrap_or_else(PoisonError::into_inner);
        let order = queue.blocking_recv();
        if matches!(order, Some(Order::Stop)) {
            queue.close();
        }
        drop(queue);
        match order {
            Some(Order::Do(mut task)) if task.claim() => {
                let ended = task.work(connection);
                if ended.is_err() {
                    // Work that panicked has left its transaction open. Else there is none, and SQLite says so.
                    _ = connection.batch_execute("ROLLBACK");
                }
                task.answer(ended);
            }
            Some(Order::Do(_) | Order::Stop) => {}
            None => return,
        }
    }
}

fn snapshot<T>(
    connection: &mut SqliteConnection,
    work: impl Fn(&mut SqliteConnection) -> Result<T, RepositoryError>,
) -> Result<T, RepositoryError> {
    let begun = connection.batch_execute("BEGIN").map_err(failed);
    let result = begun.and_then(|()| work(connection));
    // Nothing was written: to roll back is to end. Also where it did not begin: nothing of an earlier one may be left.
    let ended = connection.batch_execute("ROLLBACK").map_err(failed);
    result.and_then(|value| ended.map(|()| value))
}
