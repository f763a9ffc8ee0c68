//! The server: the settings that hold in production, on whatever address. Tests and the binary use this very one.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use actix_http::{Extensions, HttpService, Request};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, ServiceResponse};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App, Error, web};
use tokio::net::{TcpSocket, TcpStream};
use tracing_actix_web::TracingLogger;

use crate::connection::Connection;
use crate::extract::BodyLimits;
use crate::middleware::{RootSpan, describe_figures, edge};
use crate::{Api, configure};

/// Connections that wait to be accepted, at most.
const BACKLOG: u32 = 1_024;

/// How the server treats its clients.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Threads that serve requests.
    pub workers: usize,
    /// The most connections of one worker; further ones wait to be accepted.
    pub max_connections: usize,
    /// The longest that a client may take for the head of a request.
    pub head_timeout: Duration,
    /// The longest silence between two pieces of a body.
    pub body_stall_timeout: Duration,
    /// The longest that a whole body may take.
    pub body_timeout: Duration,
    /// The largest body, in bytes.
    pub max_body_bytes: usize,
    /// How long a connection is kept without a request.
    pub keep_alive: Duration,
    /// The longest wait for a client to close its side.
    pub disconnect_timeout: Duration,
    /// The longest that requests under way may take once the server is stopped.
    pub shutdown_timeout: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        let limits = BodyLimits::default();
        Self {
            workers: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            max_connections: 25_000,
            head_timeout: Duration::from_secs(10),
            body_stall_timeout: limits.stall,
            body_timeout: limits.whole,
            max_body_bytes: limits.bytes,
            keep_alive: Duration::from_secs(75),
            disconnect_timeout: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

/// A server that listens. It serves once [`server`](Self::server) is awaited or spawned.
pub struct Bound {
    /// The server; its [`handle`](Server::handle) stops it, gracefully or not.
    pub server: Server,
    /// Where it listens: the real port where 0 was asked for.
    pub address: SocketAddr,
}

/// Listens on an address. Signals are the caller's business. To shut down gracefully, call
/// [`Drain::begin`](crate::Drain::begin) on the drain of the [`Api`], wait until no new traffic comes, and stop the
/// server's handle. Must be called within a tokio runtime.
///
/// # Errors
/// Where the address cannot be listened on.
pub fn bind(api: Api, address: impl ToSocketAddrs, settings: &ServerSettings) -> io::Result<Bound> {
    describe_figures();
    let listener = listen(address)?;
    let address = listener.local_addr()?;
    let builder = ServerBuilder::new()
        .workers(settings.workers.max(1))
        .max_concurrent_connections(settings.max_connections)
        .shutdown_timeout(settings.shutdown_timeout.as_secs().max(1))
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let (api, settings) = (Arc::new(api), settings.clone());
    let factory = move || {
        let (head_timeout, keep_alive) = (settings.head_timeout, settings.keep_alive);
        let stopping = stopping.clone();
        let http = HttpService::build()
            .client_request_timeout(head_timeout)
            .client_disconnect_timeout(settings.disconnect_timeout)
            .keep_alive(keep_alive)
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|connection: &Connection, data: &mut Extensions| {
                data.insert(connection.watch());
            })
            .h1(map_config(app(&api, &settings), |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| async move {
            stream.set_nodelay(true)?;
            let peer = stream.peer_addr().ok();
            Ok((Connection::new(stream, head_timeout, keep_alive), peer))
        })
        .and_then(http)
    };
    let server = builder.listen("chat", listener, factory)?.run();
    Ok(Bound { server, address })
}

/// The application of one worker.
fn app(
    api: &Api,
    settings: &ServerSettings,
) -> impl ServiceFactory<
    Request,
    Config = AppConfig,
    Response = ServiceResponse<impl MessageBody + use<>>,
    Error = Error,
    InitError = (),
> + use<> {
    let limits =
        BodyLimits { bytes: settings.max_body_bytes, stall: settings.body_stall_timeout, whole: settings.body_timeout };
    let app = App::new()
        .configure(|config| configure(config, api))
        .app_data(web::Data::new(limits))
        // From the inside out.
        .wrap(Compress::default())
        .wrap(Condition::new(!api.cors.is_empty(), api.cors.middleware()))
        .wrap(from_fn(edge))
        .wrap(TracingLogger::<RootSpan>::new());
    app.into_factory()
}

/// Listens on the first of the addresses that can be had.
fn listen(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
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
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
