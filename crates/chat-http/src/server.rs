//! The server: the settings that hold in production, on whatever address. Tests and the binary use this very one.
//!
//! - `settings`: how it treats its clients. `listen`: its socket. `sips`: how much is read at once.

mod listen;
mod settings;
mod sips;

use std::future::ready;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;

use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, KeepAlive, Request};
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, ServiceResponse};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App, Error, HttpServer, web};
use tokio::net::TcpStream;
use tracing_actix_web::TracingLogger;

use self::listen::listen;
pub(crate) use self::settings::HALF_SENT;
pub use self::settings::ServerSettings;
use self::sips::Sips;
use crate::answers::Answers;
use crate::connection::{Connection, Patience};
use crate::drain::Drain;
use crate::extract::{BodyLimits, BodyRoom};
use crate::limit::Connections;
use crate::long::LongAnswers;
use crate::middleware::{Observer, RootSpan, describe_figures, edge, harden, tell_of_health};
use crate::routes::health::Health;
use crate::scrape::Scrape;
use crate::stop::Stopper;
use crate::uploads::{Pace, Uploads};
use crate::{Api, configure, watched};

/// Connections of those who look after the service, at most.
const METRICS_CONNECTIONS: usize = 64;

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
    let workers = settings.workers.max(1);
    let builder = ServerBuilder::new()
        .workers(workers)
        .max_concurrent_connections(settings.max_connections)
        .shutdown_timeout(settings.shutdown_timeout.as_secs().max(1))
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let (api, settings) = (Arc::new(api), settings.clone());
    let most = settings.max_connections.saturating_mul(workers);
    let connections = Arc::new(Connections::new(settings.connection_limit.clone(), most));
    let shared = Shared::new(&settings);
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
            .on_connect_ext(|connection: &Connection<Sips>, data: &mut Extensions| {
                data.insert(connection.watch());
            })
            .h1(map_config(worker(&api, &settings, &shared), |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| ready(accepted(stream, patience, stopping.clone(), &connections)))
            .and_then(http)
    };
    let server = builder.listen("chat", listener, factory)?.run();
    Ok(Bound { stopper: Stopper::new(server.handle(), waiting), server, address })
}

/// A connection that was accepted, where its address may have one more, and that address.
fn accepted(
    stream: TcpStream,
    patience: Patience,
    stopping: GracefulShutdownSignal,
    connections: &Connections,
) -> Result<(Connection<Sips>, Option<SocketAddr>), DispatchError> {
    let peer = stream.peer_addr().ok();
    let held = connections.admit(peer)?;
    stream.set_nodelay(true)?;
    let stop = async move { stopping.notified().await };
    Ok((Connection::new(Sips::of(stream), patience, stop).holding(held), peer))
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
    worker(api, settings, &Shared::new(settings))
}

/// What all workers share.
#[derive(Clone)]
struct Shared {
    answers: Arc<Answers>,
    bodies: Arc<BodyRoom>,
    uploads: Arc<Uploads>,
}

impl Shared {
    fn new(settings: &ServerSettings) -> Self {
        // Those that are kept to be sent again must not take the room of those that are sent.
        let kept = usize::try_from(settings.answer_bytes).unwrap_or(usize::MAX);
        let long = LongAnswers::new(settings.long_answer_bytes.saturating_add(kept));
        let answers = Arc::new(Answers::new(settings.answer_bytes, settings.answer_ttl, long));
        let pace = Pace { stall: settings.body_stall_timeout, whole: settings.upload_timeout };
        let uploads = Uploads::new(settings.uploads_at_once, pace);
        Self { answers, bodies: BodyRoom::new(settings.held_body_bytes), uploads }
    }
}

/// The application of one worker.
fn worker(
    api: &Api,
    settings: &ServerSettings,
    shared: &Shared,
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
        .app_data(web::Data::from(Arc::clone(&shared.bodies)))
        .app_data(web::Data::from(Arc::clone(&shared.uploads)))
        .app_data(web::Data::from(Arc::clone(&shared.answers)))
        .app_data(web::Data::from(shared.answers.long()))
        // From the inside out.
        .wrap(Compress::default())
        .wrap(Condition::new(!api.cors.is_empty(), api.cors.middleware()))
        .wrap(from_fn(move |request, next| edge(Rc::clone(&observer), store_deadline, request, next)))
        .wrap(TracingLogger::<RootSpan>::new());
    app.into_factory()
}
