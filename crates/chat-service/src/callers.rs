//! How callers become known, as the settings want it.

use std::sync::Arc;

use chat_domain::clock::Clock;
use chat_http::AuthMode;
use chat_infra::token::{JwtConfig, JwtVerifier, KeySource};

use crate::failure::Failure;
use crate::settings::{Auth, Settings};

/// The mode, with its keys at hand.
///
/// # Errors
/// Keys that are not there.
pub(crate) fn auth_mode(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<AuthMode, Failure> {
    match &settings.auth {
        Auth::Open => Ok(AuthMode::Open),
        Auth::Gateway => Ok(AuthMode::Gateway(settings.trusted_proxies.clone())),
        Auth::Jwt(config) => {
            let verifier = JwtVerifier::start(config, Arc::clone(clock));
            let verifier = verifier.map_err(|error| Failure::Keys(source(config), error))?;
            Ok(AuthMode::Jwt(Arc::new(verifier)))
        }
    }
}

/// The setting that names where keys come from.
fn source(config: &JwtConfig) -> &'static str {
    match config.keys {
        Some(KeySource::Url(_)) => "JWKS_URL",
        Some(KeySource::File(_)) | None => "JWKS_FILE",
    }
}

/// Says at the start whose word is believed.
pub(crate) fn tell(settings: &Settings) {
    match &settings.auth {
        Auth::Open if settings.host.is_loopback() => tracing::warn!("AUTH_MODE is open: every caller is believed"),
        Auth::Open => {
            tracing::warn!("AUTH_MODE is open: every caller is believed, from wherever it can reach this address");
        }
        Auth::Gateway => tracing::info!("AUTH_MODE is gateway: callers are who a trusted proxy says"),
        Auth::Jwt(_) => tracing::info!("AUTH_MODE is jwt: callers are who their tokens say"),
    }
    if matches!(settings.auth, Auth::Jwt(_)) && !settings.host.is_loopback() && settings.trusted_proxies.is_empty() {
        tracing::warn!(
            "TRUSTED_PROXIES is empty: all clients behind a balancer count as one address, in limits on connections and on \
             bad tokens"
        );
    }
}
