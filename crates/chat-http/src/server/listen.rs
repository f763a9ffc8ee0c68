//! The socket on which clients are waited for.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use tokio::net::TcpSocket;

/// Connections that wait to be accepted, at most.
const BACKLOG: u32 = 1_024;
/// What the system keeps of an answer for a client, in bytes; it takes as much again for its own needs. Left to itself it
/// keeps megabytes, and says that it takes more only when a third of these have gone: a client that reads steadily, though
/// slowly, would look like one that does not read. It bounds how fast a single client far away is sent an answer, too.
const SEND_BUFFER: u32 = 128 * 1024;

/// Listens on the first of the addresses that can be had.
///
/// # Errors
/// Where none can.
pub(super) fn listen(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let mut refusal = io::Error::new(io::ErrorKind::InvalidInput, "the address names no place");
    for address in address.to_socket_addrs()? {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // Each connection that is accepted has the same.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
