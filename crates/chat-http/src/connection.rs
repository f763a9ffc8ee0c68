//! A connection that is watched: nobody keeps it by saying nothing, or by not listening.
//!
//! The server itself bounds the wait for the head of a connection's first request only. Here the same holds for each
//! later one: once a piece of a head has come, the rest must follow in time, or the connection is closed. While a
//! request is served its connection is left alone; bodies have their own bounds. An answer of which the client takes too
//! little for too long is broken off, so that what it does not read is not kept for it, nor by the system. Until then it is
//! not listened to either: requests of which nobody reads the answers would otherwise fill the memory with these.
//!
//! When the server stops, a connection on which nobody has asked anything for a moment is closed. The server would do so
//! at once, and would not serve what comes on a connection that it has only just accepted.
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

use crate::limit::Held;

/// A connection that has been idle for so long is closed once the server stops: long enough for the first request of a
/// client that has just connected.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// What a client has to take of an answer within its time, in bytes, unless the answer ends before. One that takes a byte
/// now and then would otherwise keep a page for hours.
const PROGRESS: usize = 64 * 1024;

/// How long a connection waits for its client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For a whole head, once a piece of it has come.
    pub(crate) head: Duration,
    /// For another request.
    pub(crate) keep_alive: Duration,
    /// For the client to take another piece of an answer, of `PROGRESS` bytes.
    pub(crate) write: Duration,
}

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
    stopping: Cell<bool>,
    patience: Patience,
}

impl Watch {
    fn new(patience: Patience) -> Self {
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
    fn is_serving(&self) -> bool {
        matches!(self.0.phase.get(), Phase::Serving)
    }

    fn bytes_came(&self) {
        if let Phase::Idle(_) = self.0.phase.get() {
            self.0.phase.set(Phase::Head(Instant::now()));
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let Shared { stopping, patience, .. } = &*self.0;
        match self.0.phase.get() {
            Phase::Idle(since) if stopping.get() => Some(since + STOP_GRACE),
            // An idle connection is closed by the server; this is for one that only looks idle, with a piece of a head
            // that came together with the request before.
            Phase::Idle(since) => Some(since + patience.keep_alive + patience.head),
            Phase::Head(since) => Some(since + patience.head),
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

/// A client that has not taken all that there was for it.
struct Behind {
    /// So many bytes it still has to take.
    left: usize,
    /// Until then.
    until: Pin<Box<Sleep>>,
    /// Since when it has taken all there was, and the next piece of its answer is awaited: that time is not its own.
    waits: Option<Instant>,
}

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
    /// That the server stops; none once it does.
    stop: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// That it is open, for as long as it is.
    _held: Option<Held>,
}

impl<S> Connection<S> {
    /// Watches a connection, until the server stops.
    pub(crate) fn new(stream: S, patience: Patience, stop: impl Future<Output = ()> + 'static) -> Self {
        let (watch, stop) = (Watch::new(patience), Some(Box::pin(stop) as Pin<Box<_>>));
        Self { stream, watch, timer: None, behind: None, blocked: false, stop, _held: None }
    }

    /// The same, with what it counts for in the limit on connections.
    pub(crate) fn holding(self, held: Option<Held>) -> Self {
        Self { _held: held, ..self }
    }

    /// For those who serve its requests.
    pub(crate) fn watch(&self) -> Watch {
        self.watch.clone()
    }

    fn poll_overdue(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(context).is_ready()) {
            self.stop = None;
            self.watch.0.stopping.set(true);
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
        let patience = self.watch.0.patience.write;
        let begin = || Behind { left: PROGRESS, until: Box::pin(sleep_until(Instant::now() + patience)), waits: None };
        let behind = self.behind.get_or_insert_with(begin);
        if let Some(since) = behind.waits.take() {
            let until = behind.until.deadline() + since.elapsed();
            behind.until.as_mut().reset(until);
        }
        behind.until.as_mut().poll(context)
    }

    /// The client has taken so many bytes of those that there were for it.
    fn took(&mut self, bytes: usize, offered: usize) {
        let (all, more_to_come) = (bytes == offered, self.watch.is_serving());
        match &mut self.behind {
            Some(behind) if bytes < behind.left && (!all || more_to_come) => {
                behind.left -= bytes;
                if all {
                    behind.waits.get_or_insert_with(Instant::now);
                }
            }
            _ => self.behind = None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    /// Reads; the end of the stream where what is awaited is overdue.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.blocked {
            return self.poll_overdue(context).map(Ok);
        }
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
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::sleep;

    use super::*;

    const HEAD: Duration = Duration::from_secs(10);
    const KEEP: Duration = Duration::from_secs(75);
    const WRITE: Duration = Duration::from_secs(20);

    impl Cut for DuplexStream {
        fn cut(&self) {}
    }

    fn connected() -> (DuplexStream, Connection<DuplexStream>) {
        connected_until(std::future::pending())
    }

    fn connected_until(stop: impl Future<Output = ()> + 'static) -> (DuplexStream, Connection<DuplexStream>) {
        let (client, server) = duplex(64);
        let patience = Patience { head: HEAD, keep_alive: KEEP, write: WRITE };
        (client, Connection::new(server, patience, stop))
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

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_is_broken_off() {
        let (client, mut connection) = connected();
        let begun = Instant::now();
        let refused = connection.write_all(&[0; 65]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= WRITE && begun.elapsed() < WRITE + Duration::from_secs(1));
        drop(client);
    }

    /// Sends so much to a client that takes a piece now and then.
    async fn sent(bytes: usize, piece: usize, every: Duration) -> io::Result<()> {
        sent_in(bytes, bytes, piece, every).await
    }

    /// The same, where the server is given so many bytes at once.
    async fn sent_in(chunk: usize, bytes: usize, piece: usize, every: Duration) -> io::Result<()> {
        let (mut client, server) = duplex(piece);
        let patience = Patience { head: HEAD, keep_alive: KEEP, write: WRITE };
        let mut connection = Connection::new(server, patience, std::future::pending());
        let serving = connection.watch().begin();
        let reader = tokio::spawn(async move {
            let (mut read, mut taken) = (0, vec![0; piece]);
            while read < bytes {
                sleep(every).await;
                read += client.read(&mut taken).await.unwrap();
            }
        });
        let mut sent = Ok(());
        for begin in (0..bytes).step_by(chunk) {
            sent = connection.write_all(&vec![0; chunk.min(bytes - begin)]).await;
            if sent.is_err() {
                break;
            }
        }
        reader.abort();
        drop(serving);
        sent
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_take_long_while_its_client_reads() {
        sent(10 * PROGRESS, PROGRESS, WRITE * 9 / 10).await.unwrap();
        sent(10 * PROGRESS, PROGRESS / 8, WRITE / 9).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_of_which_a_client_takes_a_little_now_and_then_is_broken_off() {
        let refused = sent(10 * PROGRESS, 1_000, WRITE / 10).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn whether_an_answer_is_given_in_pieces_makes_no_difference() {
        for chunk in [500, 4_000, PROGRESS / 2] {
            sent_in(chunk, 10 * PROGRESS, PROGRESS / 8, WRITE / 9).await.unwrap();
            let refused = sent_in(chunk, 10 * PROGRESS, 1_000, WRITE / 10).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::TimedOut, "{chunk}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_has_its_time_for_each_answer_anew_and_while_the_server_takes_its_own_none_passes() {
        let (mut client, mut connection) = connected();
        let mut taken = [0; 128];
        for server_takes in [WRITE * 3, Duration::ZERO, KEEP] {
            let serving = connection.watch().begin();
            for _ in 0..3 {
                let reading = tokio::spawn(async move {
                    sleep(WRITE / 4).await;
                    client.read_exact(&mut taken).await.unwrap();
                    client
                });
                connection.write_all(&[0; 128]).await.unwrap();
                client = reading.await.unwrap();
                sleep(server_takes).await;
            }
            drop(serving);
            connection.flush().await.unwrap();
            sleep(KEEP / 2).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_not_listened_to_until_it_does() {
        let (mut client, mut connection) = connected();
        client.write_all(b"GET ").await.unwrap();
        let (mut piece, mut taken) = ([0; 4], [0; 65]);
        let blocked = tokio::time::timeout(WRITE / 4, connection.write_all(&[0; 65])).await;
        assert!(blocked.is_err());
        let unheard = tokio::time::timeout(HEAD / 4, connection.read(&mut piece)).await;
        assert!(unheard.is_err());
        client.read_exact(&mut taken[..64]).await.unwrap();
        connection.write_all(b"x").await.unwrap();
        assert_eq!(connection.read(&mut piece).await.unwrap(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_a_connection_on_which_nothing_is_asked() {
        let (client, mut connection) = connected_until(sleep(KEEP / 3));
        let begun = Instant::now();
        assert_eq!(connection.read(&mut [0; 4]).await.unwrap(), 0);
        assert!(begun.elapsed() >= KEEP / 3 && begun.elapsed() < KEEP / 3 + Duration::from_secs(1));
        drop(client);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_leaves_a_client_that_has_just_connected_time_to_ask() {
        let (mut client, mut connection) = connected_until(std::future::ready(()));
        let asking = tokio::spawn(async move {
            sleep(STOP_GRACE / 2).await;
            client.write_all(b"GET ").await.unwrap();
            sleep(HEAD / 2).await;
            client.write_all(b"/ HT").await.unwrap();
            client
        });
        let mut piece = [0; 4];
        for _ in 0..2 {
            assert_eq!(connection.read(&mut piece).await.unwrap(), 4);
        }
        let serving = connection.watch().begin();
        assert!(tokio::time::timeout(KEEP, connection.read(&mut piece)).await.is_err());
        drop(serving);
        assert_eq!(connection.read(&mut piece).await.unwrap(), 0);
        drop(asking.await.unwrap());
    }
}
