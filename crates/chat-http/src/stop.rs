//! Stopping the server so that whoever has connected has an answer.
//!
//! Left to itself the server closes connections that it has accepted and not yet begun with, and the system resets those
//! that wait to be accepted: clients then do not know whether anything was done. So nothing is accepted any more, what
//! was accepted gets a moment to be begun with, the server stops, and whoever waited to be accepted is sent elsewhere.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Far longer than a worker takes to begin with a connection.
const SETTLING: Duration = Duration::from_millis(100);
/// How long a client may take that is sent elsewhere.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);
/// Without a document, since nobody has read the request.
const FAREWELL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Stops a server.
pub struct Stopper {
    handle: ServerHandle,
    /// A second handle on the socket: while it lives, those who wait to be accepted go on waiting.
    waiting: TcpListener,
}

impl Stopper {
    pub(crate) const fn new(handle: ServerHandle, waiting: TcpListener) -> Self {
        Self { handle, waiting }
    }

    /// Takes no more connections, and returns when all requests under way are answered, or when their time is over. To be
    /// called on the drain's end: see [`bind`](crate::bind).
    pub async fn stop(self) {
        self.handle.pause().await;
        sleep(SETTLING).await;
        let stopping = self.handle.stop(true);
        // By the end of this the server has let go of the socket.
        sleep(SETTLING).await;
        tokio::join!(stopping, turn_away(self.waiting));
    }
}

/// Answers all who wait to be accepted, and closes the socket.
async fn turn_away(waiting: TcpListener) {
    let mut farewells = JoinSet::new();
    while let Ok((stream, _)) = waiting.accept() {
        farewells.spawn(timeout(FAREWELL_TIMEOUT, say_farewell(stream)));
    }
    drop(waiting);
    // A client that is gone needs none.
    while farewells.join_next().await.is_some() {}
}

async fn say_farewell(stream: std::net::TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream)?;
    stream.write_all(FAREWELL).await?;
    stream.shutdown().await?;
    // To close while there is something unread would take the answer back.
    let mut unread = [0; 1_024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_to_be_accepted_is_sent_elsewhere() {
        let waiting = TcpListener::bind("127.0.0.1:0").unwrap();
        waiting.set_nonblocking(true).unwrap();
        let address = waiting.local_addr().unwrap();
        let mut clients = Vec::new();
        for _ in 0..50 {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").await.unwrap();
            clients.push(client);
        }
        let turned_away = tokio::spawn(turn_away(waiting));
        for mut client in clients {
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            assert_eq!(answer, FAREWELL);
        }
        turned_away.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
