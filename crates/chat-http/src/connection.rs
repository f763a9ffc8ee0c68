//! A connection that is watched: nobody keeps it by saying nothing, or by not listening.
//!
//! The server itself bounds the wait for the head of a connection's first request only. Here the same holds for each
//! later one: once a piece of a head has come, the rest must follow in time, or the connection is closed; and so it is
//! where more of a head has come than a head may have. While a request is served its connection is left alone; bodies have
//! their own bounds. An answer of which the client takes too little for too long is broken off, so that what it does not
//! read is not kept for it, nor by the system. Until then it is not listened to either: requests of which nobody reads the
//! answers would otherwise fill the memory with these.
//!
//! When the server stops, a connection on which nobody has asked anything for a moment is closed. The server would do so
//! at once, and would not serve what comes on a connection that it has only just accepted.
//!
//! It is remembered, too, that an answer has said `Connection: close`: the server goes on with requests that came
//! before that answer was sent, and the edge must refuse them (RFC 9112, section 9.6).
//!
//! - `watch`: what a connection waits for. `behind`: a client that does not keep up. `head`: how large a head may be.

mod behind;
pub(crate) mod head;
mod watch;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use self::behind::Behind;
pub(crate) use self::watch::{Patience, Serving, Watch};
use crate::limit::Held;

/// A stream that can be cut off.
pub(crate) trait Cut {
    /// Has the system throw away what it still holds for the client once this is dropped, and tell the client so.
    fn cut(&self);
}

impl Cut for TcpStream {
    fn cut(&self) {
        // A socket that is broken already needs none of this.
        _ = self.set_zero_linger();
    }
}

/// A connection that ends when what it waits for does not come.
pub(crate) struct Connection<S = TcpStream> {
    stream: S,
    watch: Watch,
    /// Set to an earlier deadline than the present one where that has moved on: a timer is not touched with each request.
    timer: Option<Pin<Box<Sleep>>>,
    /// While the client does not keep up with an answer, what it has to do.
    behind: Option<Behind>,
    /// Whether there is something that the client has not taken.
    blocked: bool,
    /// Whether the server has looked at all that was read: it does once there is nothing more for the moment.
    seen: bool,
    /// That the server stops; none once it does.
    stop: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// That it is open, for as long as it is.
    _held: Option<Held>,
}

impl<S> Connection<S> {
    /// Watches a connection, until the server stops.
    pub(crate) fn new(stream: S, patience: Patience, stop: impl Future<Output = ()> + 'static) -> Self {
        let (watch, stop) = (Watch::new(patience), Some(Box::pin(stop) as Pin<Box<_>>));
        Self { stream, watch, timer: None, behind: None, blocked: false, seen: false, stop, _held: None }
    }

    /// The same, with what it counts for among the connections.
    pub(crate) fn holding(self, held: Held) -> Self {
        Self { _held: Some(held), ..self }
    }

    /// For those who serve its requests.
    pub(crate) fn watch(&self) -> Watch {
        self.watch.clone()
    }

    fn poll_overdue(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(context).is_ready()) {
            self.stop = None;
            self.watch.stop();
        }
        while let Some(deadline) = self.watch.deadline() {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if timer.deadline() > deadline {
                timer.as_mut().reset(deadline);
            }
            ready!(timer.as_mut().poll(context));
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Whether the client has taken too little for too long.
    fn poll_behind(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let patience = self.watch.patience().write;
        self.behind.get_or_insert_with(|| Behind::new(patience)).poll_overdue(context)
    }

    /// The client has taken so many bytes of those that there were for it.
    fn took(&mut self, bytes: usize, offered: usize) {
        let watch = &self.watch;
        self.behind.take_if(|behind| behind.catches_up(bytes, bytes == offered, watch.is_serving()));
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Connection<S> {
    /// Reads; the end of the stream where what is awaited is overdue, or too large.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.blocked {
            return self.poll_overdue(context).map(Ok);
        }
        if std::mem::take(&mut self.seen) && self.watch.is_head_too_large() {
            // All earlier answers are gone; who takes not even this has been told enough by the end.
            _ = Pin::new(&mut self.stream).poll_write(context, head::REFUSAL);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                let came = buffer.filled().len() - before;
                if came > 0 {
                    self.watch.bytes_came(came);
                }
                Poll::Ready(read)
            }
            Poll::Pending => {
                self.seen = true;
                self.poll_overdue(context).map(Ok)
            }
        }
    }
}

impl<S: AsyncWrite + Cut + Unpin> AsyncWrite for Connection<S> {
    /// Writes; an error where the client does not keep taking it.
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(written) => {
                if let Ok(taken) = &written {
                    self.took(*taken, bytes.len());
                }
                if std::mem::take(&mut self.blocked) {
                    // It has not been listened to meanwhile, so nobody is woken by what it says.
                    context.waker().wake_by_ref();
                }
                Poll::Ready(written)
            }
            Poll::Pending => {
                self.blocked = true;
                ready!(self.poll_behind(context));
                self.stream.cut();
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    /// Flushes; the client has taken all that there was.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.behind.is_some() && !self.watch.is_serving() {
            self.behind = None;
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
