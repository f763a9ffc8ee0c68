//! Clients that do not read what they asked for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::{LARGE, PATIENCE, connect, longest};
use crate::failure::{Failure, Outcome};
use crate::world::World;

/// From the first byte of its answer on. A client has 10 s for each 64 KiB, and those begin once the system takes no more
/// for it. Until then the page has to be handed over, compressed for some, while others are served: 5 s are for that.
pub(super) const GONE: Duration = Duration::from_secs(15);

/// Between two looks at whether the connection still stands.
const LOOK: Duration = Duration::from_millis(200);
/// After so many looks a client that drips reads a few bytes.
const LOOKS: u32 = 5;
/// What they accept, in turn.
const ENCODINGS: [&str; 4] = ["identity", "gzip", "identity", "zstd"];

/// What became of such clients.
#[derive(Debug)]
pub(super) struct Suffered {
    /// How long the last of them was there.
    pub(super) longest: Duration,
    /// How many answers were begun.
    pub(super) begun: usize,
    /// How many were told that there is no room for their page.
    pub(super) refused: usize,
}

/// So many clients that ask for pages of a list, each for another; half of them read nothing, the others a few bytes each
/// second.
pub(super) async fn suffered(world: &World, list: &str, many: usize) -> Outcome<Suffered> {
    let (mut clients, refused) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for (number, encoding) in ENCODINGS.iter().cycle().take(many).enumerate() {
        let mut client = connect(world).await?;
        let limit = LARGE.saturating_sub(number);
        let request = format!("GET {list}?limit={limit} HTTP/1.1\r\nHost: h\r\nAccept-Encoding: {encoding}\r\n\r\n");
        client.write_all(request.as_bytes()).await.map_err(Failure::io("a request"))?;
        let (drips, refused) = ((number / ENCODINGS.len()).is_multiple_of(2), Arc::clone(&refused));
        clients.spawn(async move {
            let suffered = until_cut(client, drips).await?;
            refused.fetch_add(usize::from(suffered.is_none()), Ordering::Relaxed);
            Ok(suffered.unwrap_or_default())
        });
    }
    let longest = longest(clients).await?;
    let refused = refused.load(Ordering::Relaxed);
    Ok(Suffered { longest, begun: many.saturating_sub(refused), refused })
}

/// How long the server keeps such a client; `None` where it refuses it.
async fn until_cut(mut client: TcpStream, drips: bool) -> Outcome<Option<Duration>> {
    let mut status = [0; 12];
    let answered = timeout(PATIENCE, client.read_exact(&mut status)).await;
    answered.map_err(io::Error::from).flatten().map_err(Failure::io("an answer"))?;
    match &status {
        b"HTTP/1.1 200" => {}
        b"HTTP/1.1 503" => return Ok(None),
        other => return Err(Failure::other(format!("a reader was answered {}", String::from_utf8_lossy(other)))),
    }
    let begun = Instant::now();
    for look in 1.. {
        sleep(LOOK).await;
        // What has come lies in the system, so that the end is not found by reading.
        let cut = !matches!(client.take_error(), Ok(None));
        let reads = drips && look % LOOKS == 0;
        if cut || begun.elapsed() > PATIENCE * 2 || reads && !matches!(client.read(&mut [0; 8]).await, Ok(1..)) {
            break;
        }
    }
    Ok(Some(begun.elapsed()))
}
