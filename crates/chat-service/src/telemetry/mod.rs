//! The log: structured lines on standard output, one event a line.

mod json;

use chat_infra::system::SystemClock;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::settings::{LogFormat, Settings};
use json::JsonLines;

/// Starts the log. What comes from clients is written escaped, in either format, so nobody can forge a line.
///
/// # Errors
/// Where another log was started in this process.
pub(crate) fn start(settings: &Settings) -> Result<(), TryInitError> {
    let filter = EnvFilter::new(&settings.log_filter);
    let layer = match settings.log_format {
        LogFormat::Json => JsonLines::new(SystemClock, std::io::stdout()).with_filter(filter).boxed(),
        LogFormat::Pretty => tracing_subscriber::fmt::layer().compact().with_filter(filter).boxed(),
    };
    tracing_subscriber::registry().with(layer).try_init()
}
