//! The log: structured lines on standard output, one event a line.
//!
//! A thread of its own writes them. Whoever reads the log may stall; the service does not wait, but drops lines and counts
//! them.

mod json;

use chat_infra::system::SystemClock;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::settings::{LogFormat, Settings};
use json::JsonLines;

/// Lines that may wait to be written; a few megabytes.
const BACKLOG: usize = 8_192;

/// The running log. What waits is written when this is dropped.
pub(crate) struct Log {
    /// Counts the lines that were dropped, because nobody took them in time.
    pub(crate) dropped: ErrorCounter,
    _writer: WorkerGuard,
}

/// Starts the log. What comes from clients is written escaped, in either format, so nobody can forge a line.
///
/// # Errors
/// Where another log was started in this process.
pub(crate) fn start(settings: &Settings) -> Result<Log, TryInitError> {
    let filter = EnvFilter::new(&settings.log_filter);
    let writer = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(BACKLOG);
    let (out, guard) = writer.finish(std::io::stdout());
    let dropped = out.error_counter();
    let layer = match settings.log_format {
        LogFormat::Json => JsonLines::new(SystemClock, out).with_filter(filter).boxed(),
        LogFormat::Pretty => tracing_subscriber::fmt::layer().compact().with_writer(out).with_filter(filter).boxed(),
    };
    tracing_subscriber::registry().with(layer).try_init()?;
    Ok(Log { dropped, _writer: guard })
}
