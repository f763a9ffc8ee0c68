//! Clients that do not come to an end with their request.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::{PATIENCE, connect, longest};
use crate::failure::Outcome;
use crate::world::World;

/// The promise. The service waits for half a second less, which is what timers and a busy machine may take.
pub(super) const GONE: Duration = Duration::from_secs(10);
/// A body that goes on and on has a minute, and a second is for timers and a busy machine.
pub(super) const BODY_GONE: Duration = Duration::from_secs(61);

/// Between two bytes of a client that drips.
const DRIP: Duration = Duration::from_millis(500);
const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ";
const BODY: &[u8] = b"POST /api/v1/sessions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
                      Content-Length: 1000\r\n\r\n{\"user_id\":\"";

/// How a request is sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slow {
    /// A head, a byte now and then.
    DrippingHead,
    /// Half a head.
    HalfHead,
    /// A head, and half a body.
    HalfBody,
    /// A head, and a body, a byte now and then.
    DrippingBody,
}

/// Those that stop in the middle, and heads, which have to be whole in time.
pub(super) const HALF_SENT: &[Slow] = &[Slow::DrippingHead, Slow::HalfHead, Slow::HalfBody];

/// So many clients of these kinds in turn; how long the last of them was suffered.
pub(super) async fn suffered(world: &World, kinds: &[Slow], many: usize) -> Outcome<Duration> {
    let mut clients = JoinSet::new();
    for slow in kinds.iter().cycle().take(many) {
        let (client, slow) = (connect(world).await?, *slow);
        clients.spawn(async move { Ok(until_refused(client, slow).await) });
    }
    longest(clients).await
}

/// How long the server keeps such a client.
async fn until_refused(client: TcpStream, slow: Slow) -> Duration {
    let began = Instant::now();
    let (mut from, mut to) = client.into_split();
    let (start, drips) = match slow {
        Slow::DrippingHead => (HEAD, true),
        Slow::HalfHead => (HEAD, false),
        Slow::HalfBody => (BODY, false),
        Slow::DrippingBody => (BODY, true),
    };
    let sending = async move {
        _ = to.write_all(start).await;
        loop {
            sleep(DRIP).await;
            if drips {
                _ = to.write_all(b"x").await;
            }
        }
    };
    // An answer that says 408 is the end of the request; the connection may linger for the client to hear it.
    let closed = async {
        _ = from.read(&mut [0; 1]).await;
    };
    _ = timeout(PATIENCE * 2, async {
        tokio::select! {
            () = closed => {}
            () = sending => {}
        }
    })
    .await;
    began.elapsed()
}
