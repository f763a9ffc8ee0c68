//! Reading in sips.
//!
//! The server reads for as long as there is something, up to 128 KiB and more, before it looks at what it has, and keeps
//! a buffer of that size for as long as the connection lives. Here it is told after each sip that there is nothing more for
//! the moment: it passes on what it has, and a client that sends much takes no larger a buffer than others.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::connection::Cut;

/// A sip is over after so many bytes: more than nearly all requests have, and twice the buffer that the server begins with.
const SIP: usize = 16 * 1024;

/// A stream that is read in sips.
pub(crate) struct Sips<S = TcpStream> {
    stream: S,
    /// Bytes of this sip.
    read: usize,
}

impl<S> Sips<S> {
    /// Of this stream.
    pub(super) const fn of(stream: S) -> Self {
        Self { stream, read: 0 }
    }
}

impl<S: Cut> Cut for Sips<S> {
    fn cut(&self) {
        self.stream.cut();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sips<S> {
    /// Reads; nothing for the moment where a sip is over.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read >= SIP {
            self.read = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.read = if read.is_pending() { 0 } else { self.read + buffer.filled().len() - before };
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sips<S> {
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
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// Bytes that are read at once, as the server does it: until there is nothing for the moment.
    async fn at_once(sips: &mut Sips<impl AsyncRead + Unpin>) -> usize {
        let (mut read, mut buffer) = (0, vec![0; 8 * 1024]);
        poll_fn(|context| {
            loop {
                let mut buffer = ReadBuf::new(&mut buffer);
                match Pin::new(&mut *sips).poll_read(context, &mut buffer) {
                    Poll::Ready(result) => result.unwrap(),
                    Poll::Pending if read > 0 => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
                read += buffer.filled().len();
            }
        })
        .await;
        read
    }

    #[tokio::test]
    async fn no_more_than_a_sip_is_read_at_once_and_then_the_rest_without_being_told() {
        let (mut client, server) = duplex(5 * SIP);
        client.write_all(&vec![0; 2 * SIP + 1_000]).await.unwrap();
        let mut sips = Sips::of(server);
        assert_eq!([at_once(&mut sips).await, at_once(&mut sips).await, at_once(&mut sips).await], [SIP, SIP, 1_000]);
    }

    #[tokio::test]
    async fn what_comes_in_small_pieces_is_read_as_it_comes() {
        let (mut client, server) = duplex(SIP);
        let mut sips = Sips::of(server);
        for _ in 0..40 {
            client.write_all(&[0; 1_000]).await.unwrap();
            assert_eq!(at_once(&mut sips).await, 1_000);
        }
    }

    #[tokio::test]
    async fn whoever_waits_for_the_rest_is_woken() {
        let (mut client, server) = duplex(5 * SIP);
        let sent: Vec<u8> = (0..4 * SIP).map(|number| number.to_le_bytes()[0]).collect();
        client.write_all(&sent).await.unwrap();
        drop(client);
        let mut read = Vec::new();
        Sips::of(server).read_to_end(&mut read).await.unwrap();
        assert!(read == sent);
    }
}
