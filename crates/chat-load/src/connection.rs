//! One keep-alive connection, with one request on it at a time.
//!
//! The load shares its cores with what it measures, so there is no HTTP library between the socket and the count: a
//! request is one write of bytes that were built before, an answer is as a rule one read and a scan of its head. Answers
//! are read into buffers that the connections of a thread share: thousands of them, each with its own, would have the
//! load wait for memory.

use std::cell::RefCell;
use std::mem;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::answer::{Answer, Head};
use crate::error::LoadError;
use crate::target::Target;

/// Room for the largest answer that is asked for here, so that one read takes it all.
const BUFFER: usize = 64 * 1024;

thread_local! {
    /// Buffers that no connection of this thread needs now.
    static SPARE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// An open connection to a server.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// Empty while no answer has begun.
    buffer: BytesMut,
}

impl Connection {
    /// Connects to the target's server.
    pub(crate) async fn open(target: &Target) -> Result<Self, LoadError> {
        let cannot = |source| LoadError::io(format!("no connection to {}", target.authority()), source);
        let stream = TcpStream::connect(target.authority()).await.map_err(cannot)?;
        stream.set_nodelay(true).map_err(cannot)?;
        Ok(Self { stream, buffer: BytesMut::new() })
    }

    /// Sends a request and waits for the end of its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, LoadError> {
        give_back(mem::take(&mut self.buffer));
        self.stream.write_all(request).await.map_err(|source| LoadError::io("the request was not taken", source))?;
        let head = loop {
            self.read().await?;
            if let Some(head) = Head::parse(&self.buffer)? {
                break head;
            }
        };
        let length = head.head_len.saturating_add(head.body_len);
        while self.buffer.len() < length {
            self.read().await?;
        }
        if self.buffer.len() > length {
            return Err(LoadError::Answer("more came than was asked for"));
        }
        Answer::new(head, &self.buffer).ok_or(LoadError::Answer("it has no end"))
    }

    /// Takes a buffer when there is something to put into it. A read that leaves room tells the runtime that there is no more,
    /// which saves the one that would find nothing before the next answer.
    async fn read(&mut self) -> Result<(), LoadError> {
        let broken = |source| LoadError::io("no answer came", source);
        self.stream.readable().await.map_err(broken)?;
        if self.buffer.capacity() == 0 {
            self.buffer = spare();
        }
        self.buffer.reserve(1);
        match self.stream.read_buf(&mut self.buffer).await.map_err(broken)? {
            0 => Err(LoadError::Answer("the connection was closed")),
            _ => Ok(()),
        }
    }
}

fn spare() -> BytesMut {
    SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| BytesMut::with_capacity(BUFFER))
}

fn give_back(mut buffer: BytesMut) {
    if buffer.capacity() > 0 {
        buffer.clear();
        SPARE.with_borrow_mut(|spare| spare.push(buffer));
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers each read with the next of these pieces, then closes.
    async fn server(pieces: &'static [&'static str]) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut stream = listener.accept().await.unwrap().0;
            stream.set_nodelay(true).unwrap();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        Target::local(port, "")
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_put_together() {
        let target = server(&["HTTP/1.1 200 OK\r\nContent-", "Length: 5\r\n\r\nhe", "llo"]).await;
        let mut connection = Connection::open(&target).await.unwrap();
        let answer = connection.exchange(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!((answer.status, answer.body), (200, b"hello".as_slice()));
    }

    #[tokio::test]
    async fn a_connection_that_closes_early_is_an_error() {
        let target = server(&["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"]).await;
        let mut connection = Connection::open(&target).await.unwrap();
        assert!(connection.exchange(b"GET / HTTP/1.1\r\n\r\n").await.is_err());
    }
}
