//! Serving, from the open store to the clean end.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use chat_http::{Bound, Health, ServerSettings, VERSION, bind, bind_metrics};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::callers;
use crate::compose::{Service, compose};
use crate::descriptors;
use crate::dump;
use crate::failure::Failure;
use crate::figures::Figures;
use crate::limits::connections;
use crate::settings::Settings;
use crate::signal::Stop;
use crate::store::{OpenStore, StoreError};
use crate::telemetry::{Log, Traces};

/// How often the histograms' memory is put in order: until then they keep each single value.
const UPKEEP: Duration = Duration::from_secs(1);

/// How often this node's clock is held against the database's.
const WATCH_CLOCK: Duration = Duration::from_secs(15);

/// What is kept of the time for the end, beside the deadline of what waits to be written, so that this is written even
/// where a client will not finish.
const FOR_WRITERS: Duration = Duration::from_secs(1);
/// How long the store may take to close.
const CLOSING: Duration = Duration::from_secs(5);
/// How long the collector may take for the last traces.
const LAST_TRACES: Duration = Duration::from_secs(2);

/// Serves until told to stop.
///
/// # Errors
/// Whatever keeps the service from starting, or from ending in time.
pub(crate) async fn serve(settings: Settings, mut log: Log) -> Result<(), Failure> {
    dump::forbid();
    descriptors::raise(&settings);
    let mut stop = Stop::listen().map_err(Failure::Signal)?;
    let figures = Figures::begin(log.dropped.clone()).map_err(Failure::Metrics)?;
    let tidy = figures.tidy();
    if let Some(traces) = &log.traces {
        traces.count();
    }
    let store = match OpenStore::open(&settings, stop.requested()).await {
        Err(StoreError::Stopped(signal)) => return given_up(signal, log).await,
        opened => opened?,
    };
    let service = compose(&settings, store.ports(&settings), figures)?;
    let address = (settings.host, settings.port);
    let bound = bind(service.api.clone(), address, &server_settings(&settings));
    let bound = bound.map_err(|source| Failure::Listen { address: address.into(), source })?;
    let chores = [
        tokio::spawn(service.sweep.clone().go_on()),
        tokio::spawn(upkeep(tidy)),
        tokio::spawn(watch_clock(Arc::clone(&service.api.health))),
    ];
    let asked = serve_metrics(&service, &settings)?;
    tell_start(&settings, &bound);
    let ended = run(bound, &service, &settings, &mut stop).await;
    for chore in chores {
        chore.abort();
    }
    if let Some(metrics) = asked {
        metrics.stop(false).await;
    }
    drop(service);
    // A store that hangs must not keep a node that has nothing more to write.
    let (closed, ()) = tokio::join!(timeout(CLOSING, store.close()), last_traces(log.traces.take()));
    // The log is written to its end when it is dropped.
    tracing::info!(closed = closed.is_ok(), "stopped");
    drop(log);
    ended
}

/// Ends well before it has begun to serve: nobody has asked anything yet.
async fn given_up(signal: &'static str, mut log: Log) -> Result<(), Failure> {
    tracing::info!(signal, "stopping before the store is open");
    last_traces(log.traces.take()).await;
    Ok(())
}

async fn last_traces(traces: Option<Traces>) {
    if let Some(traces) = traces {
        traces.finish(LAST_TRACES).await;
    }
}

/// Serves; then says that the node is going, answers what is in flight and writes what is queued.
async fn run(bound: Bound, service: &Service, settings: &Settings, stop: &mut Stop) -> Result<(), Failure> {
    let Bound { server, stopper, .. } = bound;
    let mut server = tokio::spawn(server);
    let signal = tokio::select! {
        signal = stop.requested() => signal,
        ended = &mut server => {
            let ended = ended.map_err(std::io::Error::other).and_then(|ended| ended);
            return Err(Failure::Server(ended.err()));
        }
    };
    tracing::info!(signal, "stopping");
    let deadline = Instant::now() + settings.shutdown_timeout;
    service.api.drain.begin();
    tokio::select! {
        () = sleep(settings.shutdown_delay) => {}
        signal = stop.requested() => tracing::info!(signal, "stopping without delay"),
    }
    // The server has a time-out of its own, which leaves the writers theirs.
    let answered = timeout_at(deadline, stopper.stop()).await;
    let written = timeout_at(deadline, service.group_commit.drain()).await;
    answered.and(written).map_err(|_| Failure::ShutdownTimeout)
}

/// Serves figures and health on a port of their own, where the settings ask for one, until the service has ended.
fn serve_metrics(service: &Service, settings: &Settings) -> Result<Option<ServerHandle>, Failure> {
    let Some(port) = settings.metrics_port else { return Ok(None) };
    let address = (settings.host, port);
    let (health, drain) = (Arc::clone(&service.api.health), service.api.drain.clone());
    let bound = bind_metrics(service.scrape.clone(), health, drain, address, &ServerSettings::default());
    let bound = bound.map_err(|source| Failure::Listen { address: address.into(), source })?;
    tracing::info!(address = %bound.address, "metrics listening");
    let handle = bound.server.handle();
    tokio::spawn(bound.server);
    Ok(Some(handle))
}

fn tell_start(settings: &Settings, bound: &Bound) {
    callers::tell(settings);
    tracing::info!(address = %bound.address, version = VERSION, "listening");
}

/// How the server is to treat its clients.
pub(crate) fn server_settings(settings: &Settings) -> ServerSettings {
    let defaults = ServerSettings::default();
    let workers = settings.workers.map_or(defaults.workers, std::num::NonZero::get);
    ServerSettings {
        workers,
        max_connections: settings.max_connections.div_ceil(workers),
        connection_limit: connections(settings),
        shutdown_timeout: answering_time(settings),
        store_deadline: settings.store_deadline,
        answer_bytes: settings.caches().answers,
        long_answer_bytes: settings.long_answer_bytes,
        uploads_at_once: settings.attachments.uploads_at_once,
        answer_ttl: settings.cache_ttl,
        log_share: settings.log_sample_2xx,
        ..defaults
    }
}

/// How long requests under way may take once the server stops: what the delay before and the writers after leave of it.
fn answering_time(settings: &Settings) -> Duration {
    let left = settings.shutdown_timeout.saturating_sub(settings.shutdown_delay);
    left.saturating_sub(settings.store_deadline + FOR_WRITERS).max(left / 2)
}

/// Holds this node's clock against the database's now and then, whether or not anybody asks.
async fn watch_clock(health: Arc<Health>) {
    let mut ticks = tokio::time::interval(WATCH_CLOCK);
    loop {
        ticks.tick().await;
        health.look().await;
    }
}

async fn upkeep(tidy: impl Fn()) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        tidy();
    }
}
