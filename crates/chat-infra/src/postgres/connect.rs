//! Opening a connection: encrypted where asked for, with limits of its own on the server, driven by the main runtime.

use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{CancelToken, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::{Address, Encryption, PgConfig};
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

/// Opens connections to one server.
#[derive(Clone)]
pub(super) struct Connector {
    driver: tokio_postgres::Config,
    encryption: Encryption,
    tls: Option<MakeRustlsConnect>,
    /// The longest that an opening takes.
    limit: Duration,
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
        let Address { mut driver, encryption, root_certificates } = Address::parse(&config.url)?;
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
        // For each host, as the driver counts it: one of several that is away must not use up the time of the others.
        let hosts = driver.get_hosts().len().max(driver.get_hostaddrs().len()).max(1);
        let limit = config.connect_timeout.saturating_mul(u32::try_from(hosts).unwrap_or(u32::MAX));
        Ok(Self { driver, encryption, tls, limit, runtime: Handle::current() })
    }

    /// Opens one, or gives up in time: a server may take a connection and never say a word, as one does that is stopped.
    pub(super) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let this = self.clone();
        let opened = self.runtime.spawn(async move { timeout(this.limit, this.open()).await }).await;
        match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(_)) => Err(ConnectionError::BadConnection(format!("no answer within {:?}", self.limit))),
            Err(error) => Err(ConnectionError::BadConnection(error.to_string())),
        }
    }

    /// Asks the server to give up the statement that a connection of this kind is at. What comes of it only that statement
    /// tells.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => token.cancel_query(tls.clone()).await,
            None => token.cancel_query(NoTls).await,
        }
    }

    async fn open(&self) -> ConnectionResult<AsyncPgConnection> {
        match (&self.tls, self.encryption) {
            (Some(tls), Encryption::Required) => self.open_with(SslMode::Require, tls.clone()).await,
            // The driver goes on without encryption where the server answers that it has none, and only there: a bad
            // certificate is not to be had in clear.
            (Some(tls), Encryption::Preferred) => self.open_with(SslMode::Prefer, tls.clone()).await,
            _ => self.open_with(SslMode::Disable, NoTls).await,
        }
    }

    async fn open_with<T>(&self, mode: SslMode, tls: T) -> ConnectionResult<AsyncPgConnection>
    where
        T: MakeTlsConnect<Socket> + Send,
        T::Stream: TlsStream + Unpin + Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let mut driver = self.driver.clone();
        let opened = driver.ssl_mode(mode).connect(tls).await;
        let (client, connection) = opened.map_err(|error| ConnectionError::BadConnection(with_causes(&error)))?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}

/// The driver's own words leave out the cause, which here is all that helps.
fn with_causes(error: &tokio_postgres::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
