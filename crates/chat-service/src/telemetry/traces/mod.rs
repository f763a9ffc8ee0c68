//! Traces: spans on their way to a collector, by OTLP over HTTP.
//!
//! Nobody waits for the collector. Spans that have ended lie in a bounded queue, from which a thread of their own sends
//! them; where the queue is full they are dropped, and counted.

mod queue;

use std::collections::HashMap;
use std::time::Duration;

use chat_http::{TRACE_ROOT_TARGET, VERSION};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{self, SdkTracerProvider};
use secrecy::ExposeSecret as _;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use self::queue::Queue;
use crate::settings::{Sampler, Share, TraceSettings};

/// The targets of spans that are for traces and not for the log.
pub(super) const TARGETS: [&str; 2] = [chat_http::TRACE_TARGET, chat_infra::operation::TRACE_TARGET];

/// Why traces do not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TraceError {
    /// There is no client for the collector.
    #[error("no client for the collector of traces")]
    Client(#[source] Option<reqwest::Error>),
    /// The exporter refuses its settings.
    #[error("the exporter of traces does not start")]
    Exporter(#[from] ExporterBuildError),
}

/// The running traces.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    queue: Queue,
}

impl Traces {
    /// Prepares the way to the collector, which need not be there yet.
    pub(super) fn start(settings: &TraceSettings) -> Result<Self, TraceError> {
        let queue = Queue::default();
        let processor = queue.processor(exporter(settings)?);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(sampler(settings.sampler))
            .with_resource(resource(settings))
            .build();
        Ok(Self { provider, queue })
    }

    /// Makes spans of what the service does. A span is taken where a trace begins and within one that is taken: work that
    /// belongs to no request is not traced, nor is any part of a request that is not.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let tracer = self.provider.tracer(env!("CARGO_PKG_NAME"));
        let taken = |span: &Metadata<'_>, context: &Context<'_, S>| {
            is_traced(span) && (span.target() == TRACE_ROOT_TARGET || context.lookup_current().is_some())
        };
        let perhaps = |span: &Metadata<'_>| if is_traced(span) { Interest::sometimes() } else { Interest::never() };
        let filter = dynamic_filter_fn(taken).with_callsite_filter(perhaps).with_max_level_hint(LevelFilter::INFO);
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(filter)
    }

    /// Begins to count, with whatever takes the figures by now.
    pub(crate) fn count(&self) {
        self.queue.count();
    }

    /// Sends what waits, for at most so long, and takes no more.
    pub(crate) async fn finish(self, limit: Duration) {
        // The thread of the queue is told, and waited for; where it takes too long it ends with the process.
        let sent = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(limit)).await;
        if !matches!(sent, Ok(Ok(()))) {
            tracing::warn!("the last traces were not sent: the collector did not take them in time");
        }
    }
}

fn is_traced(span: &Metadata<'_>) -> bool {
    span.level() <= &Level::INFO && TARGETS.iter().any(|target| span.target().starts_with(target))
}

fn exporter(settings: &TraceSettings) -> Result<SpanExporter, TraceError> {
    let headers = settings.headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client(settings.timeout)?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(settings.endpoint.as_str())
        .with_timeout(settings.timeout)
        .with_headers(headers.collect::<HashMap<_, _>>());
    Ok(exporter.build()?)
}

/// The client has a runtime of its own, which cannot be made on a thread of another.
fn client(timeout: Duration) -> Result<reqwest::blocking::Client, TraceError> {
    let build = move || {
        let client = reqwest::blocking::Client::builder().timeout(timeout);
        // What authenticates us is for the collector that was named, and for no other.
        client.redirect(reqwest::redirect::Policy::none()).build()
    };
    let built = std::thread::spawn(build).join().map_err(|_| TraceError::Client(None))?;
    built.map_err(|error| TraceError::Client(Some(error)))
}

fn sampler(sampler: Sampler) -> trace::Sampler {
    let own = match sampler.share {
        Share::All => trace::Sampler::AlwaysOn,
        Share::None => trace::Sampler::AlwaysOff,
        Share::Ratio(ratio) => trace::Sampler::TraceIdRatioBased(ratio),
    };
    if sampler.follows_caller { trace::Sampler::ParentBased(Box::new(own)) } else { own }
}

fn resource(settings: &TraceSettings) -> Resource {
    let given = settings.resource.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attribute(KeyValue::new("service.name", settings.service_name.clone()))
        .with_attribute(KeyValue::new("service.version", VERSION))
        .with_attributes(given)
        .build()
}
