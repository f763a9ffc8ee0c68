//! Why the program ends other than well: one line for people, and an exit code for scripts.

use std::io;
use std::net::SocketAddr;

use chat_domain::error::chain;

use crate::settings::SettingsError;
use crate::store::StoreError;

/// Why the program ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There are no threads to run on.
    #[error("the program has no threads to run on")]
    Runtime(#[source] io::Error),
    /// The log does not start, or the traces.
    #[error("the log does not start")]
    Log(#[source] crate::telemetry::StartError),
    /// The figures do not start.
    #[error("the metrics do not start")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
    /// There is no store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The Redis URL is none.
    #[error("REDIS_URL: {0}")]
    Redis(#[from] chat_infra::redis::InvalidRedisUrl),
    /// The files of attachments cannot lie where they should.
    #[error("ATTACHMENTS_URL cannot be used")]
    Files(#[from] chat_infra::files::InvalidS3),
    /// The keys of tokens are not there.
    #[error("{0}")]
    Keys(&'static str, #[source] chat_infra::token::KeySetError),
    /// A token cannot be signed.
    #[error(transparent)]
    Token(#[from] chat_infra::token::UnsignableToken),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Signals cannot be listened for.
    #[error("cannot listen for signals")]
    Signal(#[source] io::Error),
    /// The server ended by itself.
    #[error("the server ended")]
    Server(#[source] Option<io::Error>),
    /// What was in flight was not done in time.
    #[error("not everything was answered before SHUTDOWN_TIMEOUT_S ran out")]
    ShutdownTimeout,
    /// The service that was asked does not live.
    #[error("the service does not answer as it should")]
    Health(#[source] io::Error),
    /// Standard output is gone.
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
}

impl Failure {
    /// 2 for a wrong setting, which a restart does not mend; 1 for everything else.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_) | Self::Redis(_) | Self::Files(_) | Self::Keys(..) => 2,
            Self::Store(error) if error.is_wrong_setting() => 2,
            Self::Runtime(_)
            | Self::Log(_)
            | Self::Metrics(_)
            | Self::Store(_)
            | Self::Token(_)
            | Self::Listen { .. }
            | Self::Signal(_)
            | Self::Server(_)
            | Self::ShutdownTimeout
            | Self::Health(_)
            | Self::Output(_) => 1,
        }
    }

    /// The error and all that lies behind it, in one line.
    pub(crate) fn line(&self) -> String {
        chain(self)
    }
}
