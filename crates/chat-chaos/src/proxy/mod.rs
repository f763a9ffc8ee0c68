//! A TCP proxy that can be told to delay, to stall, to cut and to refuse.
//!
//! It stands between the service and a server that listens on a socket file, so that the address that the service knows
//! stays the same whatever happens to the server, and no port has to be guessed.

mod pipe;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::failure::{Failure, Outcome};

/// How bytes go in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// As they come.
    Pass,
    /// Each piece so much later.
    Delay(Duration),
    /// Not at all; what is held goes on when this ends.
    Stall,
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From the service to the server.
    Asked,
    /// From the server to the service.
    Answered,
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    asked: Flow,
    answered: Flow,
    /// Whether connections are taken at all.
    open: bool,
    /// Connections of an earlier one end.
    generation: u64,
}

#[derive(Debug)]
struct Shared {
    server: PathBuf,
    rules: watch::Sender<Rules>,
    /// So many more bytes of answers, and the connection that they come on ends.
    cut_after: Mutex<Option<usize>>,
    cuts: AtomicUsize,
}

/// A proxy. With it all connections through it end.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
    /// Bound and not listening: the port stays ours while connections are refused.
    _claim: TcpSocket,
}

impl Proxy {
    /// In front of the server that listens at this socket file, or will.
    pub(crate) fn before(server: PathBuf) -> Outcome<Self> {
        let claim = socket(0).map_err(Failure::io("a port for a proxy"))?;
        let port = claim.local_addr().map_err(Failure::io("a port for a proxy"))?.port();
        let rules = Rules { asked: Flow::Pass, answered: Flow::Pass, open: true, generation: 0 };
        let shared = Arc::new(Shared {
            server,
            rules: watch::Sender::new(rules),
            cut_after: Mutex::new(None),
            cuts: AtomicUsize::new(0),
        });
        let listener = listen(port).map_err(Failure::io("a port for a proxy"))?;
        let serving = tokio::spawn(serve(listener, port, Arc::clone(&shared)));
        Ok(Self { port, shared, serving, _claim: claim })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// How bytes go from now on, on old connections and new ones.
    pub(crate) fn set(&self, asked: Flow, answered: Flow) {
        self.shared.rules.send_modify(|rules| (rules.asked, rules.answered) = (asked, answered));
    }

    /// Swallows everything in both directions, new connections included, until [`heal`](Self::heal).
    pub(crate) fn stall(&self) {
        self.set(Flow::Stall, Flow::Stall);
    }

    /// Takes no connections, and ends those that there are, until [`heal`](Self::heal).
    pub(crate) fn refuse(&self) {
        self.shared.rules.send_modify(|rules| {
            rules.open = false;
            rules.generation += 1;
        });
    }

    /// Everything passes again.
    pub(crate) fn heal(&self) {
        *self.shared.cut_after.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.shared.rules.send_modify(|rules| {
            *rules = Rules { asked: Flow::Pass, answered: Flow::Pass, open: true, ..*rules };
        });
    }

    /// Ends one connection, the one on which the answers of all have passed so many bytes more; the byte that does not
    /// pass any more has been sent by the server, so the server has done what it was asked.
    pub(crate) fn cut_after(&self, bytes: usize) {
        *self.shared.cut_after.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
    }

    /// How many connections were cut so far.
    pub(crate) fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    /// How many of these bytes of an answer may pass; fewer than there are where the connection is to be cut.
    fn passing(&self, bytes: usize) -> usize {
        let mut cut_after = self.cut_after.lock().unwrap_or_else(PoisonError::into_inner);
        match *cut_after {
            Some(left) if left < bytes => {
                *cut_after = None;
                self.cuts.fetch_add(1, Ordering::SeqCst);
                left
            }
            Some(left) => {
                *cut_after = Some(left - bytes);
                bytes
            }
            None => bytes,
        }
    }
}

async fn serve(listener: TcpListener, port: u16, shared: Arc<Shared>) {
    let mut listener = Some(listener);
    let mut rules = shared.rules.subscribe();
    let mut connections = JoinSet::new();
    loop {
        let open = rules.borrow_and_update().open;
        match (&listener, open) {
            (Some(_), false) => {
                listener = None;
                connections.shutdown().await;
            }
            (None, true) => listener = listen(port).ok(),
            _ => {}
        }
        let accept = async {
            match &listener {
                Some(listener) => listener.accept().await.ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = rules.changed() => if changed.is_err() { return },
            accepted = accept => if let Some((client, _)) = accepted {
                connections.spawn(pipe::carry(client, Arc::clone(&shared)));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

fn socket(port: u16) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    Ok(socket)
}

fn listen(port: u16) -> std::io::Result<TcpListener> {
    socket(port)?.listen(1_024)
}
