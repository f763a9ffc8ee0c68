//! Serving, from the open store to the clean end.

use std::sync::Arc;
use std::time::Duration;

use chat_http::{Bound, DURATION_METRIC, ServerSettings, bind};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing_appender::non_blocking::ErrorCounter;

use crate::compose::{Service, compose};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::signal::Stop;
use crate::store::OpenStore;
use crate::sweep::forget_old_keys;
use crate::telemetry::Log;

/// Upper bounds of the latency histograms, in seconds.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// How often the histograms' memory is put in order, so that it stays flat where nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// What is kept of the time for the end, so that queued messages are written even where a client will not finish.
const FOR_WRITERS: Duration = Duration::from_secs(9);
/// How long the store may take to close.
const CLOSING: Duration = Duration::from_secs(5);

/// Serves until told to stop.
///
/// # Errors
/// Whatever keeps the service from starting, or from ending in time.
pub(crate) async fn serve(settings: Settings, log: Log) -> Result<(), Failure> {
    let mut stop = Stop::listen().map_err(Failure::Signal)?;
    let metrics = metrics()?;
    let store = OpenStore::open(&settings).await?;
    let service = compose(&settings, store.ports(&settings), metrics.clone())?;
    let address = (settings.host, settings.port);
    let bound = bind(service.api.clone(), address, &server_settings(&settings));
    let bound = bound.map_err(|source| Failure::Listen { address: address.into(), source })?;
    let chores = [
        tokio::spawn(forget_old_keys(Arc::clone(&service.idempotency), Arc::clone(&service.clock))),
        tokio::spawn(upkeep(metrics, log.dropped.clone())),
    ];
    tell_start(&settings, &bound);
    let ended = run(bound, &service, &settings, &mut stop).await;
    for chore in chores {
        chore.abort();
    }
    drop(service);
    // A store that hangs must not keep a node that has nothing more to write.
    let closed = timeout(CLOSING, store.close()).await;
    tracing::info!(closed = closed.is_ok(), "stopped");
    ended
}

/// Serves; then says that the node is going, answers what is in flight and writes what is queued.
async fn run(bound: Bound, service: &Service, settings: &Settings, stop: &mut Stop) -> Result<(), Failure> {
    let handle = bound.server.handle();
    let mut server = tokio::spawn(bound.server);
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
    sleep(settings.shutdown_delay.min(settings.shutdown_timeout)).await;
    // The server has a time-out of its own, which leaves the writers theirs.
    let answered = timeout_at(deadline, handle.stop(true)).await;
    let written = timeout_at(deadline, service.group_commit.drain()).await;
    answered.and(written).map_err(|_| Failure::ShutdownTimeout)
}

fn tell_start(settings: &Settings, bound: &Bound) {
    if settings.host.is_loopback() {
        tracing::warn!("AUTH_MODE is open: every caller is believed");
    } else {
        tracing::warn!("AUTH_MODE is open: every caller is believed, from wherever it can reach this address");
    }
    tracing::info!(address = %bound.address, version = env!("CARGO_PKG_VERSION"), "listening");
}

fn server_settings(settings: &Settings) -> ServerSettings {
    let defaults = ServerSettings::default();
    let workers = settings.workers.map_or(defaults.workers, std::num::NonZero::get);
    ServerSettings {
        workers,
        max_connections: settings.max_connections.div_ceil(workers),
        shutdown_timeout: answering_time(settings),
        ..defaults
    }
}

/// How long requests under way may take once the server stops: what the delay before and the writers after leave of it.
fn answering_time(settings: &Settings) -> Duration {
    let left = settings.shutdown_timeout.saturating_sub(settings.shutdown_delay);
    left.saturating_sub(FOR_WRITERS).max(left / 2)
}

fn metrics() -> Result<PrometheusHandle, Failure> {
    let duration = Matcher::Full(DURATION_METRIC.to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(duration, &BUCKETS);
    builder.and_then(PrometheusBuilder::install_recorder).map_err(Failure::Metrics)
}

async fn upkeep(metrics: PrometheusHandle, dropped_lines: ErrorCounter) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        let dropped = u64::try_from(dropped_lines.dropped_lines()).unwrap_or(u64::MAX);
        metrics::counter!("chat_log_lines_dropped_total").absolute(dropped);
        metrics.run_upkeep();
    }
}
