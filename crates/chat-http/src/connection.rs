//! A connection that is watched while a request is awaited on it.
//!
//! The server itself bounds the wait for the head of a connection's first request only. Here the same holds for each
//! later one: once a piece of a head has come, the rest must follow in time, or the connection is closed. While a
//! request is served its connection is left alone; bodies have their own bounds.
//!
//! It is remembered, too, that an answer has said `Connection: close`: the server goes on with requests that came
//! before that answer was sent, and the edge must refuse them (RFC 9112, section 9.6).

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// For a request, since then.
    Idle(Instant),
    /// For the rest of a head, of which a piece came then.
    Head(Instant),
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
    head_timeout: Duration,
    idle_timeout: Duration,
}

impl Watch {
    fn new(head_timeout: Duration, keep_alive: Duration) -> Self {
        // An idle connection is closed by the server; this is for one that only looks idle, with a piece of a head that
        // came together with the request before.
        let idle_timeout = keep_alive + head_timeout;
        let phase = Cell::new(Phase::Idle(Instant::now()));
        Self(Rc::new(Shared { phase, over: Cell::new(false), head_timeout, idle_timeout }))
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

    fn bytes_came(&self) {
        if let Phase::Idle(_) = self.0.phase.get() {
            self.0.phase.set(Phase::Head(Instant::now()));
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self.0.phase.get() {
            Phase::Idle(since) => Some(since + self.0.idle_timeout),
            Phase::Head(since) => Some(since + self.0.head_timeout),
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

/// A connection that ends when what it waits for does not come.
pub(crate) struct Connection<S = TcpStream> {
    stream: S,
    watch: Watch,
    /// Set to an earlier deadline than the present one where that has moved on: a timer is not touched with each request.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Connection<S> {
    /// Watches a connection.
    pub(crate) fn new(stream: S, head_timeout: Duration, keep_alive: Duration) -> Self {
        Self { stream, watch: Watch::new(head_timeout, keep_alive), timer: None }
    }

    /// For those who serve its requests.
    pub(crate) fn watch(&self) -> Watch {
        self.watch.clone()
    }

    fn poll_overdue(&mut self, context: &mut Context<'_>) -> Poll<()> {
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
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    /// Reads; the end of the stream where what is awaited is overdue.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                if buffer.filled().len() > before {
                    self.watch.bytes_came();
                }
                Poll::Ready(read)
            }
            Poll::Pending => self.poll_overdue(context).map(Ok),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::sleep;

    use super::*;

    const HEAD: Duration = Duration::from_secs(10);
    const KEEP: Duration = Duration::from_secs(75);

    fn connected() -> (DuplexStream, Connection<DuplexStream>) {
        let (client, server) = duplex(64);
        (client, Connection::new(server, HEAD, KEEP))
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_lasts_while_each_head_comes_in_time() {
        let (mut client, mut connection) = connected();
        let mut piece = [0; 4];
        for _ in 0..4 {
            client.write_all(b"GET ").await.unwrap();
            assert_eq!(connection.read(&mut piece).await.unwrap(), 4);
            let sent = tokio::spawn(async move {
                sleep(HEAD * 9 / 10).await;
                client.write_all(b"/ HT").await.unwrap();
                client
            });
            assert_eq!(connection.read(&mut piece).await.unwrap(), 4);
            client = sent.await.unwrap();
            let serving = connection.watch().begin();
            sleep(KEEP * 9).await;
            drop(serving);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_stalls_is_the_end() {
        let (mut client, mut connection) = connected();
        client.write_all(b"GET ").await.unwrap();
        let (begun, mut piece) = (Instant::now(), [0; 4]);
        assert_eq!(connection.read(&mut piece).await.unwrap(), 4);
        assert_eq!(connection.read(&mut piece).await.unwrap(), 0);
        assert!(begun.elapsed() >= HEAD && begun.elapsed() < HEAD + Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_ends_a_connection_while_a_request_is_served() {
        let (client, mut connection) = connected();
        let serving = connection.watch().begin();
        let mut piece = [0; 4];
        assert!(tokio::time::timeout(KEEP * 9, connection.read(&mut piece)).await.is_err());
        drop(serving);
        assert_eq!(connection.read(&mut piece).await.unwrap(), 0);
        drop(client);
    }
}
