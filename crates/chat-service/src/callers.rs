//! How callers become known, as the settings want it.

use std::sync::Arc;

use chat_domain::clock::Clock;
use chat_domain::health::Probe;
use chat_http::AuthMode;
use chat_infra::token::{JwtConfig, JwtVerifier, KeySource};

use crate::failure::Failure;
use crate::settings::{Auth, Settings};

/// The mode, and a probe of its keys where it has some.
///
/// # Errors
/// Keys that are not there, and will not come.
pub(crate) fn auth_mode(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<(AuthMode, Option<Arc<dyn Probe>>), Failure> {
    match &settings.auth {
        Auth::Open => Ok((AuthMode::Open, None)),
        Auth::Gateway => Ok((AuthMode::Gateway(settings.trusted_proxies.clone()), None)),
        Auth::Jwt(config) => {
            let verifier = JwtVerifier::start(config, Arc::clone(clock));
            let verifier = verifier.map_err(|error| Failure::Keys(source(config), error))?;
            let verifier = Arc::new(verifier);
            Ok((AuthMode::Jwt(Arc::<JwtVerifier>::clone(&verifier)), Some(verifier)))
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
