//! What a connection waits for, and until when: told by those who serve its requests, asked by those who read it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::head;

/// A connection that has been idle for so long is closed once the server stops: long enough for the first request of a
/// client that has just connected.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(1);

/// How long a connection waits for its client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For a whole head, once a piece of it has come.
    pub(crate) head: Duration,
    /// For another request.
    pub(crate) keep_alive: Duration,
    /// For the client to take another piece of an answer; how long that is, `behind` says.
    pub(crate) write: Duration,
}

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// For a request, since then.
    Idle(Instant),
    /// For the rest of a head, of which the first piece came then, and so many bytes until now.
    Head(Instant, usize),
    /// For the answer to a request.
    Serving,
}

/// What is known of a connection, by whoever serves a request on it.
#[derive(Debug, Clone)]
pub(crate) struct Watch(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    phase: Cell<Phase>,
    over: Cell<bool>,
    stopping: Cell<bool>,
    patience: Patience,
}

impl Watch {
    /// A connection on which nothing has been asked yet.
    pub(super) fn new(patience: Patience) -> Self {
        let phase = Cell::new(Phase::Idle(Instant::now()));
        Self(Rc::new(Shared { phase, over: Cell::new(false), stopping: Cell::new(false), patience }))
    }

    /// A request has come.
    pub(crate) fn begin(&self) -> Serving {
        self.0.phase.set(Phase::Serving);
        Serving(self.clone())
    }

    /// An answer has said that it is the last.
    pub(crate) fn end(&self) {
        self.0.over.set(true);
    }

    /// Whether an answer has said that it is the last.
    pub(crate) fn is_over(&self) -> bool {
        self.0.over.get()
    }

    /// Whether a request is served, or its answer still goes on.
    pub(super) fn is_serving(&self) -> bool {
        matches!(self.0.phase.get(), Phase::Serving)
    }

    /// A piece of a request has come, of so many bytes.
    pub(super) fn bytes_came(&self, bytes: usize) {
        match self.0.phase.get() {
            Phase::Idle(_) => self.0.phase.set(Phase::Head(Instant::now(), bytes)),
            Phase::Head(since, before) => self.0.phase.set(Phase::Head(since, before + bytes)),
            Phase::Serving => (),
        }
    }

    /// Whether more has come of a head than a head may have. After the last answer all is thrown away that still comes.
    pub(super) fn is_head_too_large(&self) -> bool {
        matches!(self.0.phase.get(), Phase::Head(_, bytes) if bytes > head::MAX_PIECES) && !self.is_over()
    }

    /// The server stops.
    pub(super) fn stop(&self) {
        self.0.stopping.set(true);
    }

    /// How long the connection waits for its client.
    pub(super) fn patience(&self) -> Patience {
        self.0.patience
    }

    /// When what is awaited is overdue; never while a request is served.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let Shared { stopping, patience, .. } = &*self.0;
        match self.0.phase.get() {
            Phase::Idle(since) if stopping.get() => Some(since + STOP_GRACE),
            // An idle connection is closed by the server; this is for one that only looks idle, with a piece of a head
            // that came together with the request before.
            Phase::Idle(since) => Some(since + patience.keep_alive + patience.head),
            Phase::Head(since, _) => Some(since + patience.head),
            Phase::Serving => None,
        }
    }
}

/// A request is being served for as long as this lives.
#[derive(Debug)]
pub(crate) struct Serving(Watch);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.0.phase.set(Phase::Idle(Instant::now()));
    }
}
