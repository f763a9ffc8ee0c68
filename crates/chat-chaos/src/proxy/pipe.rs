//! One connection through the proxy.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;

use super::{Flow, Rules, Shared, Way};

const PIECE: usize = 16 * 1024;

impl Rules {
    const fn flow(&self, way: Way) -> Flow {
        match way {
            Way::Asked => self.asked,
            Way::Answered => self.answered,
        }
    }
}

/// Carries a connection until one side ends it, or the proxy does. A server that is not there ends it at once.
pub(super) async fn carry(client: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut rules = shared.rules.subscribe();
    let generation = rules.borrow().generation;
    // A network that swallows everything does not let the server see a connection either.
    passable(&mut rules, Way::Asked).await;
    let server = UnixStream::connect(&shared.server).await?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        ended = pump(from_client, to_server, Way::Asked, &shared) => ended,
        ended = pump(from_server, to_client, Way::Answered, &shared) => ended,
        _ = rules.wait_for(|rules| rules.generation != generation) => Ok(()),
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    shared: &Shared,
) -> io::Result<()> {
    let mut rules = shared.rules.subscribe();
    let mut buffer = vec![0; PIECE];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        passable(&mut rules, way).await;
        let passing = match way {
            Way::Asked => read,
            Way::Answered => shared.passing(read),
        };
        to.write_all(buffer.get(..passing).unwrap_or_default()).await?;
        if passing < read {
            return Ok(());
        }
    }
}

/// Waits until a piece may go on.
async fn passable(rules: &mut watch::Receiver<Rules>, way: Way) {
    loop {
        let flow = rules.borrow_and_update().flow(way);
        match flow {
            Flow::Pass => return,
            Flow::Delay(time) => return tokio::time::sleep(time).await,
            // The sender lives as long as the proxy does.
            Flow::Stall => _ = rules.changed().await,
        }
    }
}
