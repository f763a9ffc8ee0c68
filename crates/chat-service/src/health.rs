//! Asking a running service whether it lives, for places that have no HTTP client, such as a small container image.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::settings::Settings;

const PATIENCE: Duration = Duration::from_secs(2);
const QUESTION: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const YES: &[u8] = b"HTTP/1.1 200 ";

/// Asks once, on the port that clients cannot fill where there is one.
///
/// # Errors
/// Where nobody answers in time, or something other than yes.
pub(crate) async fn ask(settings: &Settings) -> io::Result<()> {
    // Port 0 was a free one, which nobody here knows.
    let port = settings.metrics_port.filter(|port| *port != 0).unwrap_or(settings.port);
    tokio::time::timeout(PATIENCE, answer(reachable(settings.host), port)).await?
}

async fn answer(host: IpAddr, port: u16) -> io::Result<()> {
    let mut stream = TcpStream::connect(SocketAddr::new(host, port)).await?;
    stream.write_all(QUESTION).await?;
    let mut answer = [0; YES.len()];
    stream.read_exact(&mut answer).await?;
    if answer == YES { Ok(()) } else { Err(io::Error::other("the service does not say that it lives")) }
}

/// A service that listens on every address is asked on the loopback one.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}
