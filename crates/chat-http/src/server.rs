//! The server: the settings that hold in production, on whatever address. Tests and the binary use this very one.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{Extensions, HttpService, KeepAlive, Request};
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
use crate::drain::Drain;
use crate::extract::BodyLimits;
use crate::limit::{ConnectionLimit, Connections};
use crate::long::LongAnswers;
use crate::middleware::{LogShare, Observer, RootSpan, describe_figures, edge, harden, tell_of_health};
use crate::routes::health::Health;
use crate::scrape::Scrape;
use crate::stop::Stopper;
use crate::{Api, configure, watched};

/// Connections that wait to be accepted, at most.
const BACKLOG: u32 = 1_024;
/// What the system keeps of an answer for a client, in bytes; it takes as much again for its own needs. Left to itself it
/// keeps megabytes, and says that it takes more only when a third of these have gone: a client that reads steadily, though
/// slowly, would look like one that does not read. It bounds how fast a single client far away is sent an answer, too.
const SEND_BUFFER: u32 = 128 * 1024;
/// Connections of those who look after the service, at most.
const METRICS_CONNECTIONS: usize = 64;

/// How long half a request is waited for: it is gone within 10 s, which leaves half a second for timers and a busy machine.
pub(crate) const HALF_SENT: Duration = Duration::from_millis(9_500);

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
    /// The most bytes of long answers that are being sent, beside those that are kept; a further long list is a 503.
    pub long_answer_bytes: usize,
    /// How long a printed answer is kept.
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
            head_timeout: HALF_SENT,
            body_stall_timeout: limits.stall,
            body_timeout: limits.whole,
            write_stall_timeout: Duration::from_secs(10),
            max_body_bytes: limits.bytes,
            keep_alive: Duration::from_secs(75),
            disconnect_timeout: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(30),
            store_deadline: Duration::from_secs(5),
            answer_bytes: 12 * 1024 * 1024,
            long_answer_bytes: 128 * 1024 * 1024,
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
    let answers = answers(&settings);
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

/// Listens on an address of its own for those who look after the service, and serves them `/metrics`, `/health/live` and
/// `/health/ready` and nothing else, whoever they are. Must be called within a tokio runtime.
///
/// # Errors
/// Where the address cannot be listened on.
pub fn bind_metrics(
    scrape: Scrape,
    health: Arc<Health>,
    drain: Drain,
    address: impl ToSocketAddrs,
    settings: &ServerSettings,
) -> io::Result<Bound> {
    let listener = listen(address)?;
    let (address, waiting) = (listener.local_addr()?, listener.try_clone()?);
    let app = move || {
        let app = App::new().configure(|config| watched(config, &scrape, &health, &drain));
        app.wrap(from_fn(harden)).wrap(from_fn(tell_of_health))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .max_connections(METRICS_CONNECTIONS)
        .client_request_timeout(settings.head_timeout)
        .client_disconnect_timeout(settings.disconnect_timeout)
        // Only the head of a connection's first request is bounded here, so there is no second.
        .keep_alive(KeepAlive::Disabled)
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
    worker(api, settings, &answers(settings))
}

/// What all workers know of answers.
fn answers(settings: &ServerSettings) -> Arc<Answers> {
    // Those that are kept to be sent again must not take the room of those that are sent.
    let kept = usize::try_from(settings.answer_bytes).unwrap_or(usize::MAX);
    let long = LongAnswers::new(settings.long_answer_bytes.saturating_add(kept));
    Arc::new(Answers::new(settings.answer_bytes, settings.answer_ttl, long))
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
        .app_data(web::Data::from(answers.long()))
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
    // Each connection that is accepted has the same.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
