//! The server: the settings that hold in production, on whatever address. Tests and the binary use this very one.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App, HttpServer, web};
use tracing_actix_web::TracingLogger;

use crate::extract::BodyLimits;
use crate::middleware::{RootSpan, edge};
use crate::{Api, configure};

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
/// server's handle.
///
/// # Errors
/// Where the address cannot be listened on.
pub fn bind(api: Api, address: impl ToSocketAddrs, settings: &ServerSettings) -> io::Result<Bound> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let limits =
        BodyLimits { bytes: settings.max_body_bytes, stall: settings.body_stall_timeout, whole: settings.body_timeout };
    let api = Arc::new(api);
    let app = move || {
        App::new()
            .configure(|config| configure(config, &api))
            .app_data(web::Data::new(limits))
            // From the inside out.
            .wrap(Condition::new(!api.cors.is_empty(), api.cors.middleware()))
            .wrap(Compress::default())
            .wrap(from_fn(edge))
            .wrap(TracingLogger::<RootSpan>::new())
    };
    let server = HttpServer::new(app)
        .workers(settings.workers.max(1))
        .max_connections(settings.max_connections)
        .client_request_timeout(settings.head_timeout)
        .client_disconnect_timeout(settings.disconnect_timeout)
        .keep_alive(settings.keep_alive)
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .tcp_nodelay(true)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(Bound { server, address })
}
