//! The service without its sockets and its signals, for whoever counts what a request costs: the same parts, put together
//! in the same way.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServiceFactory, ServiceResponse};
use chat_http::Api;

use crate::compose::compose;
use crate::failure::Failure;
use crate::figures::Figures;
use crate::serve::server_settings;
use crate::settings::{Settings, Sources};
use crate::store::OpenStore;
use crate::telemetry::{self, Log};

/// A service that waits to be called, with its log on standard output. What was begun ends when this is dropped.
pub struct Measured {
    api: Api,
    settings: Settings,
    _store: OpenStore,
    _log: Log,
}

/// Why there is no such service, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unmeasurable(String);

impl From<Failure> for Unmeasurable {
    fn from(failure: Failure) -> Self {
        Self(failure.line())
    }
}

impl Measured {
    /// Puts the service together with these settings (`DATA_DIR` and the like) and the defaults of the others. Once in a
    /// process, within a tokio runtime.
    ///
    /// # Errors
    /// Whatever keeps the service from starting.
    pub async fn start(settings: &[(&str, &str)]) -> Result<Self, Unmeasurable> {
        let figment = Sources::of(settings).merge().map_err(Failure::from)?;
        let settings = Settings::read(&figment).map_err(Failure::from)?;
        let log = telemetry::start(&settings).map_err(Failure::Log)?;
        let figures = Figures::begin(log.dropped.clone()).map_err(Failure::Metrics)?;
        let store = OpenStore::open(&settings, std::future::pending()).await.map_err(Failure::from)?;
        let service = compose(&settings, store.ports(&settings), figures)?;
        Ok(Self { api: service.api, settings, _store: store, _log: log })
    }

    /// The application as each worker has it, to be called with requests as they come out of a connection.
    pub fn app(
        &self,
    ) -> impl ServiceFactory<
        chat_http::Request,
        Config = AppConfig,
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<> {
        chat_http::app(&self.api, &server_settings(&self.settings))
    }
}
