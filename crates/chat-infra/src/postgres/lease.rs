//! One connection for one operation: every statement on it ends by the operation's deadline.

use diesel::QueryResult;
use diesel_async::methods::{ExecuteDsl, LoadQuery};
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl as _, TransactionManager as _};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span};

use super::error::{Failure, Loss};
use crate::operation::{Classify as _, System, failed, statement};

/// A connection that goes back to the pool in the end, unless something may still be going on there.
pub(super) struct Lease {
    connection: Option<Object<AsyncPgConnection>>,
    deadline: Instant,
    in_transaction: bool,
}

impl Lease {
    pub(super) const fn new(connection: Object<AsyncPgConnection>, deadline: Instant) -> Self {
        Self { connection: Some(connection), deadline, in_transaction: false }
    }

    /// Runs a statement that gives rows, under a name for traces. The loss is what a lost answer would leave unknown.
    pub(super) fn load<'l, 'q: 'l, U, Q>(
        &'l mut self,
        name: &'static str,
        query: Q,
        loss: Loss,
    ) -> BoxFuture<'l, Result<Vec<U>, Failure>>
    where
        U: Send + 'l,
        Q: LoadQuery<'q, AsyncPgConnection, U> + Send + 'q,
    {
        async move {
            let deadline = self.deadline;
            let span = statement(System::Postgres, name);
            let answer = timeout_at(deadline, query.load(self.connection()?)).instrument(span.clone()).await;
            self.settle(&span, answer, loss)
        }
        .boxed()
    }

    /// Runs a statement that gives no rows, under a name for traces; how many it changed.
    pub(super) fn execute<'l, 'q: 'l, Q>(
        &'l mut self,
        name: &'static str,
        query: Q,
        loss: Loss,
    ) -> BoxFuture<'l, Result<usize, Failure>>
    where
        Q: ExecuteDsl<AsyncPgConnection> + Send + 'q,
    {
        async move {
            let deadline = self.deadline;
            let span = statement(System::Postgres, name);
            let work = ExecuteDsl::execute(query, self.connection()?);
            let answer = timeout_at(deadline, work).instrument(span.clone()).await;
            self.settle(&span, answer, loss)
        }
        .boxed()
    }

    /// Begins a transaction, to be brought to its [`end`](Self::end).
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        let deadline = self.deadline;
        self.in_transaction = true;
        let span = statement(System::Postgres, "BEGIN");
        let begin = AnsiTransactionManager::begin_transaction(self.connection()?);
        let begun = timeout_at(deadline, begin).instrument(span.clone()).await;
        self.settle(&span, begun, Loss::Nothing)
    }

    /// Commits what went well, rolls back what did not.
    pub(super) async fn end<T>(&mut self, done: Result<T, Failure>) -> Result<T, Failure> {
        let deadline = self.deadline;
        match done {
            Ok(done) => {
                let span = statement(System::Postgres, "COMMIT");
                let commit = AnsiTransactionManager::commit_transaction(self.connection()?);
                let committed = timeout_at(deadline, commit).instrument(span.clone()).await;
                self.settle(&span, committed, Loss::Outcome)?;
                self.in_transaction = false;
                Ok(done)
            }
            Err(failure) => {
                if let Ok(connection) = self.connection() {
                    let span = statement(System::Postgres, "ROLLBACK");
                    let rollback = AnsiTransactionManager::rollback_transaction(connection);
                    let done = timeout_at(deadline, rollback).instrument(span).await;
                    self.in_transaction = !matches!(done, Ok(Ok(())));
                }
                Err(failure)
            }
        }
    }

    fn connection(&mut self) -> Result<&mut AsyncPgConnection, Failure> {
        self.connection.as_deref_mut().ok_or_else(|| Failure::timed_out(Loss::Nothing))
    }

    /// Reads what came of a statement. Where no answer came in time one is still on its way, and some errors say that the
    /// connection is not what it was: nobody else shall have such a connection.
    fn settle<T>(&mut self, span: &Span, answer: Result<QueryResult<T>, Elapsed>, loss: Loss) -> Result<T, Failure> {
        let failure = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => {
                if Failure::spoils_connection(&error) {
                    self.discard();
                }
                Failure::of(error, loss)
            }
            Err(_) => {
                self.discard();
                Failure::timed_out(loss)
            }
        };
        failed(span, failure.fault());
        Err(failure)
    }

    /// Closes the connection instead of giving it back; the server then rolls back what was open on it.
    fn discard(&mut self) {
        self.connection.take().map(Object::take);
    }
}

impl Drop for Lease {
    /// An operation that was given up in the middle of a transaction must not hold its locks until somebody looks.
    fn drop(&mut self) {
        if self.in_transaction {
            self.discard();
        }
    }
}
