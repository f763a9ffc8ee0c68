//! A proxy between a node and PostgreSQL that counts what is asked and can lose what is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

// How the messages begin by which clients have a statement parsed, and those that end a round trip.
const PARSE: u8 = b'P';
const SYNC: u8 = b'S';
const SIMPLE_QUERY: u8 = b'Q';

/// A proxy of one test; with it all connections through it end.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
    running: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    parses: AtomicUsize,
    round_trips: AtomicUsize,
    /// Whether answers get lost.
    mute: AtomicBool,
    /// Whether a connection ends instead of giving its next answer.
    cutting: AtomicBool,
}

impl Proxy {
    /// In front of the server of this URL, which must name a host.
    pub(crate) async fn before(url: &str) -> Self {
        let url = url::Url::parse(url).expect("a url");
        let server = (url.host_str().expect("a host").to_owned(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let state = Arc::new(State::default());
        let running = tokio::spawn(serve(listener, server, Arc::clone(&state)));
        Self { port, state, running }
    }

    /// The same URL through the proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).expect("a url");
        url.set_host(Some("127.0.0.1")).expect("it has a host");
        url.set_port(Some(self.port)).expect("it has a port");
        url.into()
    }

    /// How many statements were parsed, and how many round trips there were, since this was asked last.
    pub(crate) fn counted(&self) -> (usize, usize) {
        (self.state.parses.swap(0, Ordering::SeqCst), self.state.round_trips.swap(0, Ordering::SeqCst))
    }

    /// Loses all answers from now on, or no longer.
    pub(crate) fn mute(&self, mute: bool) {
        self.state.mute.store(mute, Ordering::SeqCst);
    }

    /// Ends every connection that has an answer to give, from now on or no longer.
    pub(crate) fn cut(&self, cutting: bool) {
        self.state.cutting.store(cutting, Ordering::SeqCst);
    }

    /// Takes no connections any more, and ends those that there are.
    pub(crate) fn stop(&self) {
        self.running.abort();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn serve(listener: TcpListener, server: (String, u16), state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, state) = (server.clone(), Arc::clone(&state));
        connections.spawn(async move {
            let server = TcpStream::connect(server).await.expect("PostgreSQL is there");
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::select! {
                _ = ask(from_client, to_server, &state) => (),
                _ = answer(from_server, to_client, &state) => (),
            }
        });
    }
}

/// Hands on what the client sends, message by message. The first has no type.
async fn ask(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) -> std::io::Result<()> {
    let mut kind = None;
    loop {
        let length = from.read_u32().await?;
        let mut rest = vec![0; length as usize - 4];
        from.read_exact(&mut rest).await?;
        match kind {
            Some(PARSE) => drop(state.parses.fetch_add(1, Ordering::SeqCst)),
            Some(SYNC | SIMPLE_QUERY) => drop(state.round_trips.fetch_add(1, Ordering::SeqCst)),
            _ => (),
        }
        let message = [kind.as_slice(), &length.to_be_bytes(), &rest].concat();
        to.write_all(&message).await?;
        kind = Some(from.read_u8().await?);
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 || state.cutting.load(Ordering::SeqCst) {
            return Ok(());
        }
        if !state.mute.load(Ordering::SeqCst) {
            to.write_all(&buffer[..read]).await?;
        }
    }
}
