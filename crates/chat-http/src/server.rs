//! The server: the settings that hold in production, on whatever address. Tests and the binary use this very one.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{Extensions, HttpService, Request};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, ServiceResponse};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App, Error, HttpServer, web};
use tokio::net::{TcpSocket, TcpStream};
use tracing_actix_web::TracingLogger;

use crate::answers::Answers;
use crate::connection::{Connection, Patience};
use crate::extract::BodyLimits;
use crate::limit::{ConnectionLimit, Connections};
use crate::middleware::{LogShare, Observer, RootSpan, describe_figures, edge, harden};
use crate::scrape::Scrape;
use crate::stop::Stopper;
use crate::{Api, configure, figures};

/// Connections that wait to be accepted, at most.
const BACKLOG: u32 = 1_024;
/// Connections of those who collect figures, at most.
const METRICS_CONNECTIONS: usize = 64;

/// How the server treats its clients.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Threads that serve requests.
    pub workers: usize,
    /// The most connections of one worker; further ones wait to be accepted.
    pub max_connections: usize,
    /// The most connections of one address; `None` for any number.
    pub connection_limit: Option<ConnectionLimit>,
    /// The longest that a client may take for the head of a request.
    pub head_timeout: Duration,
    /// The longest silence between two pieces of a body.
    pub body_stall_timeout: Duration,
    /// The longest that a whole body may take.
    pub body_timeout: Duration,
    /// The longest that a client may take for 64 KiB of an answer, or for what is left of it, once it does not keep up.
    pub write_stall_timeout: Duration,
    /// The largest body, in bytes.
    pub max_body_bytes: usize,
    /// How long a connection is kept without a request.
    pub keep_alive: Duration,
    /// The longest wait for a client to close its side.
    pub disconnect_timeout: Duration,
    /// The longest that requests under way may take once the server is stopped.
    pub shutdown_timeout: Duration,
    /// The longest that the work of one request in stores may take, all calls together; see
    /// [`deadline`](chat_domain::deadline).
    pub store_deadline: Duration,
    /// The most bytes of printed answers that are kept to be sent again.
    pub answer_bytes: u64,
    /// How long such an answer is kept.
    pub answer_ttl: Duration,
    /// The share of good answers that leave an event in the log.
    pub log_share: LogShare,
}

impl Default for ServerSettings {
    fn default() -> Self {
        let limits = BodyLimits::default();
        Self {
            workers: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            max_connections: 25_000,
            connection_limit: None,
            head_timeout: Duration::from_secs(10),
            body_stall_timeout: limits.stall,
            body_timeout: limits.whole,
            write_stall_timeout: Duration::from_secs(10),
            max_body_bytes: limits.bytes,
            keep_alive: Duration::from_secs(75),
            disconnect_timeout: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(30),
            store_deadline: Duration::from_secs(5),
            answer_bytes: 12 * 1024 * 1024,
            answer_ttl: Duration::from_mins(10),
            log_share: LogShare::ALL,
        }
    }
}

/// A server that listens. It serves once [`server`](Self::server) is awaited or spawned.
pub struct Bound {
    /// The server; its [`handle`](Server::handle) stops it, gracefully or not.
    pub server: Server,
    /// Ends it, so that whoever has connected has an answer.
    pub stopper: Stopper,
    /// Where it listens: the real port where 0 was asked for.
    pub address: SocketAddr,
}

/// Listens on an address. Signals are the caller's business. To shut down gracefully, call
/// [`Drain::begin`](crate::Drain::begin) on the drain of the [`Api`], wait until no new traffic comes, and use the
/// stopper. Must be called within a tokio runtime.
///
/// # Errors
/// Where the address cannot be listened on.
pub fn bind(api: Api, address: impl ToSocketAddrs, settings: &ServerSettings) -> io::Result<Bound> {
    describe_figures();
    let listener = listen(address)?;
    let (address, waiting) = (listener.local_addr()?, listener.try_clone()?);
    let builder = ServerBuilder::new()
        .workers(settings.workers.max(1))
        .max_concurrent_connections(settings.max_connections)
        .shutdown_timeout(settings.shutdown_timeout.as_secs().max(1))
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let (api, settings) = (Arc::new(api), settings.clone());
    let connections = settings.connection_limit.clone().map(|limit| Arc::new(Connections::new(limit)));
    let answers = Arc::new(Answers::new(settings.answer_bytes, settings.answer_ttl));
    let factory = move || {
        let patience = Patience {
            head: settings.head_timeout,
            keep_alive: settings.keep_alive,
            write: settings.write_stall_timeout,
        };
        let (stopping, connections) = (stopping.clone(), connections.clone());
        let http = HttpService::build()
            .client_request_timeout(patience.head)
            .client_disconnect_timeout(settings.disconnect_timeout)
            .keep_alive(patience.keep_alive)
            .on_connect_ext(|connection: &Connection, data: &mut Extensions| {
                data.insert(connection.watch());
            })
            .h1(map_config(worker(&api, &settings, &answers), |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            let (stopping, connections) = (stopping.clone(), connections.clone());
            async move {
                let peer = stream.peer_addr().ok();
                let held = connections.map_or(Ok(None), |connections| connections.admit(peer))?;
                stream.set_nodelay(true)?;
                let stop = async move { stopping.notified().await };
                Ok((Connection::new(stream, patience, stop).holding(held), peer))
            }
        })
        .and_then(http)
    };
    let server = builder.listen("chat", listener, factory)?.run();
    Ok(Bound { stopper: Stopper::new(server.handle(), waiting), server, address })
}

/// Listens on an address of its own for those who collect figures, and serves them `/metrics` and nothing else, whoever
/// they are. Must be called within a tokio runtime.
///
/// # Errors
/// Where the address cannot be listened on.
pub fn bind_metrics(scrape: Scrape, address: impl ToSocketAddrs, settings: &ServerSettings) -> io::Result<Bound> {
    let listener = listen(address)?;
    let (address, waiting) = (listener.local_addr()?, listener.try_clone()?);
    let app = move || App::new().configure(|config| figures(config, &scrape)).wrap(from_fn(harden));
    let server = HttpServer::new(app)
        .workers(1)
        .max_connections(METRICS_CONNECTIONS)
        .client_request_timeout(settings.head_timeout)
        .client_disconnect_timeout(settings.disconnect_timeout)
        .keep_alive(settings.keep_alive)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(Bound { stopper: Stopper::new(server.handle(), waiting), server, address })
}

/// The application that each worker serves, for those who call it without a socket.
pub fn app(
    api: &Api,
    settings: &ServerSettings,
) -> impl ServiceFactory<
    Request,
    Config = AppConfig,
    Response = ServiceResponse<impl MessageBody + use<>>,
    Error = Error,
    InitError = (),
> + use<> {
    worker(api, settings, &Arc::new(Answers::new(settings.answer_bytes, settings.answer_ttl)))
}

/// The application of one worker.
fn worker(
    api: &Api,
    settings: &ServerSettings,
    answers: &Arc<Answers>,
) -> impl ServiceFactory<
    Request,
    Config = AppConfig,
    Response = ServiceResponse<impl MessageBody + use<>>,
    Error = Error,
    InitError = (),
> + use<> {
    let limits =
        BodyLimits { bytes: settings.max_body_bytes, stall: settings.body_stall_timeout, whole: settings.body_timeout };
    let (observer, store_deadline) = (Observer::new(settings.log_share), settings.store_deadline);
    let app = App::new()
        .configure(|config| configure(config, api))
        .app_data(web::Data::new(limits))
        .app_data(web::Data::from(Arc::clone(answers)))
        // From the inside out.
        .wrap(Compress::default())
        .wrap(Condition::new(!api.cors.is_empty(), api.cors.middleware()))
        .wrap(from_fn(move |request, next| edge(Rc::clone(&observer), store_deadline, request, next)))
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
