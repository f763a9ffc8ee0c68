//! A piece of work on its way to a connection's thread, and its answer on the way back.
//!
//! Whoever asks waits no longer than the deadline. Whether work that came too late was done is decided by one flag that
//! either the thread or the asker gets first: work that was given up is never begun, and work that was begun is never
//! reported as not done.
//!
//! Work that panics is answered like work that failed, and its thread goes on with the next.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chat_domain::error::RepositoryError;
use diesel::SqliteConnection;
use tokio::sync::{mpsc, oneshot};
use tracing::Span;

use super::traced;
use crate::deadline::within;
use crate::operation::carried;

/// What goes to a thread.
pub(super) enum Order {
    /// A piece of work.
    Do(Box<dyn Task>),
    /// Finish what is queued, then end.
    Stop,
}

/// A piece of work, whatever it answers.
pub(super) trait Task: Send {
    /// Whether the work is still wanted; it is the thread's from now on.
    fn claim(&self) -> bool;

    /// Does the work, and may do it again from the beginning where what it did was rolled back. A panic of the work is an
    /// error like another; the caller rolls back.
    fn work(&mut self, connection: &mut SqliteConnection) -> Result<(), RepositoryError>;

    /// The span of whoever asked, where that is traced.
    fn span(&self) -> &Span;

    /// Answers with what the work came to, or with the error that undid it afterwards.
    fn answer(self: Box<Self>, ended: Result<(), RepositoryError>);
}

/// Whether work leaves something behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It does not: nobody misses it once its asker has gone.
    Read,
    /// It does.
    Write,
}

impl Kind {
    /// Work that was begun, and of which nobody can say how it ended.
    fn lost(self, why: NoAnswer) -> RepositoryError {
        match self {
            Self::Read => RepositoryError::unavailable(why),
            Self::Write => RepositoryError::outcome_unknown(why),
        }
    }
}

/// The way to a thread, or to several that share a queue.
pub(super) struct Queue {
    orders: mpsc::Sender<Order>,
    deadline: Duration,
}

/// Why work was not answered.
#[derive(Debug, Clone, Copy, thiserror::Error)]
enum NoAnswer {
    #[error("the deadline has passed")]
    Late,
    #[error("the store is closed")]
    Closed,
    #[error("the work panicked")]
    Panicked,
}

impl Queue {
    pub(super) fn new(orders: mpsc::Sender<Order>, deadline: Duration) -> Self {
        Self { orders, deadline }
    }

    /// Has the work done and waits for it.
    ///
    /// # Errors
    /// Those of the work, [`RepositoryError::Unavailable`] where it was not begun in time, and
    /// [`RepositoryError::OutcomeUnknown`] where a write was begun and did not end in time.
    pub(super) async fn ask<T, F>(&self, kind: Kind, work: F) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut SqliteConnection) -> Result<T, RepositoryError> + Send + 'static,
    {
        let end = within(self.deadline)?;
        let claimed = Arc::new(AtomicBool::new(false));
        let (answer, answered) = oneshot::channel();
        let task =
            Box::new(Question { kind, work, result: None, answer, claimed: Arc::clone(&claimed), span: carried() });
        let asking = async {
            self.orders.send(Order::Do(task)).await.map_err(|_| NoAnswer::Closed)?;
            answered.await.map_err(|_| NoAnswer::Closed)
        };
        let why = match tokio::time::timeout_at(end, asking).await {
            Ok(Ok(result)) => return result,
            Ok(Err(why)) => why,
            Err(_) => NoAnswer::Late,
        };
        let begun = claimed.swap(true, Ordering::AcqRel);
        Err(if begun { kind.lost(why) } else { RepositoryError::unavailable(why) })
    }

    /// How many orders wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.orders.max_capacity() - self.orders.capacity()
    }

    /// Has the threads finish what is queued and end.
    pub(super) async fn stop(&self) {
        // Where it cannot be sent they have ended already.
        _ = self.orders.send(Order::Stop).await;
    }
}

struct Question<T, F> {
    kind: Kind,
    work: F,
    result: Option<Result<T, RepositoryError>>,
    answer: oneshot::Sender<Result<T, RepositoryError>>,
    claimed: Arc<AtomicBool>,
    span: Span,
}

impl<T, F> Task for Question<T, F>
where
    T: Send,
    F: Fn(&mut SqliteConnection) -> Result<T, RepositoryError> + Send,
{
    fn claim(&self) -> bool {
        let missed_by_nobody = self.kind == Kind::Read && self.answer.is_closed();
        !missed_by_nobody && !self.claimed.swap(true, Ordering::AcqRel)
    }

    fn work(&mut self, connection: &mut SqliteConnection) -> Result<(), RepositoryError> {
        let working = AssertUnwindSafe(|| traced::within(&self.span, || (self.work)(&mut *connection)));
        let result = catch_unwind(working).unwrap_or_else(|_| Err(self.kind.lost(NoAnswer::Panicked)));
        let ended = result.as_ref().map(drop).map_err(Clone::clone);
        self.result = Some(result);
        ended
    }

    fn span(&self) -> &Span {
        &self.span
    }

    fn answer(self: Box<Self>, ended: Result<(), RepositoryError>) {
        let result = match ended {
            Ok(()) => self.result,
            Err(error) => Some(Err(error)),
        };
        if let Some(result) = result {
            // Whoever asked may have gone; what was written stays written.
            _ = self.answer.send(result);
        }
    }
}
