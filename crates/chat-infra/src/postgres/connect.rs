//! Opening a connection: encrypted where asked for, with limits of its own on the server, driven by the main runtime.

use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use tokio::runtime::Handle;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{CancelToken, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::{Address, Encryption, PgConfig};
use super::hosts::Hosts;
use super::{PgStartError, tls};

/// What every connection asks of the server, whatever its defaults are.
///
/// All our statements go by an index that fits. A connection plans each once and keeps the plan, so a plan that was
/// good while a table was small must not be one that is ruinous when it has grown: no scan of a whole table, no bitmap
/// of half an index, no join that reads all of a table instead of looking up what it needs, no walk along an index that
/// is only half in the order asked for.
///
/// What is answered is on the disk, whatever a role or a database was told about `synchronous_commit`.
///
/// These go with the connection's first packet and so cost no round trip; `PgBouncer` needs
/// `ignore_startup_parameters = options` to let them through, and then has to be told them itself.
const SETTINGS: [&str; 13] = [
    "TimeZone=UTC",
    r"default_transaction_isolation=read\ committed",
    "plan_cache_mode=force_generic_plan",
    "enable_seqscan=off",
    "enable_bitmapscan=off",
    "enable_hashjoin=off",
    "enable_mergejoin=off",
    "enable_incremental_sort=off",
    "max_parallel_workers_per_gather=0",
    "jit=off",
    "synchronous_commit=on",
    "client_encoding=UTF8",
    "standard_conforming_strings=on",
];

/// Opens connections to one server, on whichever of the hosts it is.
#[derive(Clone)]
pub(super) struct Connector {
    hosts: Hosts,
    encryption: Encryption,
    tls: Option<MakeRustlsConnect>,
    /// The driver of a connection runs on the runtime that opened it; a worker of the web server may end or be busy.
    runtime: Handle,
}

impl Connector {
    /// For the work of the service: the server gives up what takes nearly as long as the deadline, so that mostly it is
    /// known that a slow write was not made, and much sooner what waits for somebody else's lock.
    pub(super) fn new(config: &PgConfig) -> Result<Self, PgStartError> {
        let limit = config.deadline.mul_f32(0.9).max(Duration::from_millis(1)).as_millis();
        let lock_wait = config.lock_wait.max(Duration::from_millis(1)).as_millis();
        let limits = [
            format!("statement_timeout={limit}"),
            format!("lock_timeout={lock_wait}"),
            format!("idle_in_transaction_session_timeout={limit}"),
        ];
        Self::with_settings(config, SETTINGS.map(str::to_owned).into_iter().chain(limits))
    }

    /// For migrations, which take as long as they take.
    pub(super) fn unlimited(config: &PgConfig) -> Result<Self, PgStartError> {
        let limits = ["statement_timeout=0", "lock_timeout=0", "idle_in_transaction_session_timeout=0"];
        Self::with_settings(config, limits.map(str::to_owned).into_iter())
    }

    fn with_settings(config: &PgConfig, settings: impl Iterator<Item = String>) -> Result<Self, PgStartError> {
        let Address { hosts, mut driver, encryption, root_certificates } = Address::parse(&config.url)?;
        let tls = match encryption {
            Encryption::Off => None,
            Encryption::Preferred | Encryption::Required => Some(tls::connector(root_certificates.as_deref())?),
        };
        // What the operator says in the URL stands behind ours, and wins.
        let ours = settings.map(|setting| format!("-c {setting}")).collect::<Vec<_>>().join(" ");
        let options = format!("{ours} {}", driver.get_options().unwrap_or_default());
        driver.options(options.trim_end()).connect_timeout(config.connect_timeout);
        // What the network has swallowed is noticed within the deadline.
        if driver.get_tcp_user_timeout().is_none() {
            driver.tcp_user_timeout(config.deadline);
        }
        if driver.get_application_name().is_none() {
            driver.application_name(&config.application_name);
        }
        let hosts = Hosts::new(&hosts, &driver, config.connect_timeout);
        Ok(Self { hosts, encryption, tls, runtime: Handle::current() })
    }

    /// How long whoever needs a connection has to wait for it, so that every host gets its turn.
    pub(super) fn patience(&self) -> Duration {
        self.hosts.patience()
    }

    /// Opens one, or gives up in time: a server may take a connection and never say a word, as one does that is stopped.
    /// Goes on without whoever asked, so that the next finds out at once which host is good.
    pub(super) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let this = self.clone();
        let opened = self.runtime.spawn(async move { this.hosts.first(|driver| this.open(driver)).await }).await;
        opened.unwrap_or_else(|error| Err(error.to_string())).map_err(ConnectionError::BadConnection)
    }

    /// Asks the server to give up the statement that a connection of this kind is at. What comes of it only that statement
    /// tells.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => token.cancel_query(tls.clone()).await,
            None => token.cancel_query(NoTls).await,
        }
    }

    async fn open(&self, driver: tokio_postgres::Config) -> Result<AsyncPgConnection, String> {
        match (&self.tls, self.encryption) {
            (Some(tls), Encryption::Required) => open_with(driver, SslMode::Require, tls.clone()).await,
            // The driver goes on without encryption where the server answers that it has none, and only there: a bad
            // certificate is not to be had in clear.
            (Some(tls), Encryption::Preferred) => open_with(driver, SslMode::Prefer, tls.clone()).await,
            _ => open_with(driver, SslMode::Disable, NoTls).await,
        }
    }
}

async fn open_with<T>(mut driver: tokio_postgres::Config, mode: SslMode, tls: T) -> Result<AsyncPgConnection, String>
where
    T: MakeTlsConnect<Socket> + Send,
    T::Stream: TlsStream + Unpin + Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let opened = driver.ssl_mode(mode).connect(tls).await;
    let (client, connection) = opened.map_err(|error| with_causes(&error))?;
    let opened = AsyncPgConnection::try_from_client_and_connection(client, connection).await;
    opened.map_err(|error| error.to_string())
}

/// The driver's own words leave out the cause, which here is all that helps.
fn with_causes(error: &tokio_postgres::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
