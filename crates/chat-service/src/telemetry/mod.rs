//! The log: structured lines on standard output, one event a line. And traces, where somebody takes them.
//!
//! A thread of its own writes them. Whoever reads the log may stall; the service does not wait, but drops lines and counts
//! them, as it does where they cannot be written.

mod json;
mod lines;
mod panic;
mod pretty;
mod traces;

use std::io::IsTerminal as _;

use chat_infra::system::SystemClock;
use tracing::Subscriber;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Filter, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer};

use crate::settings::{LogFormat, Settings};
use json::JsonLines;
pub(crate) use lines::DroppedLines;
use lines::{Lines, Writer};
use pretty::InOneLine;
pub(crate) use traces::Traces;
use traces::{TARGETS, TraceError};

/// The running log. What waits is written when this is dropped.
pub(crate) struct Log {
    /// Counts the lines that were dropped, because nobody took them in time or they could not be written.
    pub(crate) dropped: DroppedLines,
    /// Where somebody takes them.
    pub(crate) traces: Option<Traces>,
    _writer: Writer,
}

/// Why the log or the traces do not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// Another log was started in this process.
    #[error(transparent)]
    Log(#[from] TryInitError),
    /// The system gives no more threads.
    #[error("no thread to write the log")]
    Thread(#[source] std::io::Error),
    /// There is no way to the collector.
    #[error(transparent)]
    Traces(#[from] TraceError),
}

/// Starts the log, and the traces where the settings name a collector.
///
/// # Errors
/// Where another log was started in this process, or the exporter of traces cannot be made.
pub(crate) fn start(settings: &Settings) -> Result<Log, StartError> {
    let (out, writer) = lines::start(std::io::stdout()).map_err(StartError::Thread)?;
    let dropped = out.dropped();
    let traces = settings.traces.as_ref().map(Traces::start).transpose()?;
    let registry = tracing_subscriber::registry();
    // Without traces there is no layer for them either: the log's filter alone says what a span costs.
    match &traces {
        Some(traces) => registry.with(traces.layer()).with(log_layer(settings, out)).try_init()?,
        None => registry.with(log_layer(settings, out)).try_init()?,
    }
    panic::listen();
    Ok(Log { dropped, traces, _writer: writer })
}

/// Writes what the filter lets through, and never what is for traces. What comes from clients is written escaped, in
/// either format, so nobody can forge a line.
fn log_layer<S>(settings: &Settings, out: Lines) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = filter(&settings.log_filter);
    match settings.log_format {
        LogFormat::Json => JsonLines::new(SystemClock, out).with_filter(filter).boxed(),
        LogFormat::Pretty => {
            let colours = std::io::stdout().is_terminal();
            let layer = tracing_subscriber::fmt::layer().compact().fmt_fields(InOneLine).with_ansi(colours);
            layer.with_writer(out).with_filter(filter).boxed()
        }
    }
}

/// A filter that names targets and levels alone looks at an event's place in the code, once for all; the one that also
/// knows spans and their fields takes locks each time that a span is entered.
fn filter<S: Subscriber + for<'span> LookupSpan<'span>>(wanted: &str) -> Box<dyn Filter<S> + Send + Sync> {
    let not_for_the_log = TARGETS.map(|target| format!("{target}=off")).join(",");
    let filter = format!("{wanted},{not_for_the_log}");
    match filter.parse::<Targets>() {
        Ok(targets) if !filter.contains('[') => Box::new(targets),
        _ => Box::new(EnvFilter::new(filter)),
    }
}
