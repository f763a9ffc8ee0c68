//! How callers become known, and the keys for it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use chat_domain::access::{TokenRules, check_signing_key};
use chat_http::TrustedProxies;
use chat_infra::token::{JwtConfig, KeySetUrl, KeySource};
use figment::Figment;
use secrecy::SecretString;

use super::read::{Reader, SettingsError};

/// How callers become known.
#[derive(Debug)]
pub(crate) enum Auth {
    /// They are whoever they say.
    Open,
    /// One of the trusted proxies vouches for them.
    Gateway,
    /// By a token.
    Jwt(JwtConfig),
}

/// What tokens of one's own are made with.
#[derive(Debug)]
pub(crate) struct Signing {
    pub(crate) key: SecretString,
    pub(crate) audience: Option<String>,
    pub(crate) issuer: Option<String>,
}

impl Signing {
    /// Reads it, whatever the mode is.
    ///
    /// # Errors
    /// Where there is no key, or one that anybody could guess.
    pub(crate) fn read(figment: &Figment) -> Result<Self, SettingsError> {
        let from = Reader(figment);
        let key =
            key(&from, "secret_key")?.ok_or_else(|| from.wrong("secret_key", "must be set, to sign tokens with"))?;
        let first = |key| Ok::<_, SettingsError>(from.list(key)?.into_iter().next());
        Ok(Self { key, audience: first("jwt_audience")?, issuer: first("jwt_issuer")? })
    }
}

/// Beyond the machine itself, nobody gets a service that believes everyone without having asked for it.
pub(super) fn auth(from: &Reader<'_>, host: IpAddr) -> Result<Auth, SettingsError> {
    match from.text("auth_mode")?.as_str() {
        "open" if host.is_loopback() || from.is_set("auth_mode") => Ok(Auth::Open),
        "open" => {
            let reason = "must be set to open in so many words where HOST is not a loopback address: \
                          in that mode every caller is believed";
            Err(from.wrong("auth_mode", reason))
        }
        "gateway" if trusted_proxies(from)?.is_empty() => {
            Err(from.wrong("trusted_proxies", "must name the gateway's addresses where AUTH_MODE is gateway"))
        }
        "gateway" => Ok(Auth::Gateway),
        "jwt" => jwt(from).map(Auth::Jwt),
        _ => Err(from.wrong("auth_mode", "must be open, gateway or jwt")),
    }
}

/// The proxies whose word counts.
pub(super) fn trusted_proxies(from: &Reader<'_>) -> Result<TrustedProxies, SettingsError> {
    let reason = "must be addresses and networks such as 10.0.0.0/8, but not the whole internet";
    TrustedProxies::new(from.list("trusted_proxies")?).map_err(|_| from.wrong("trusted_proxies", reason))
}

fn jwt(from: &Reader<'_>) -> Result<JwtConfig, SettingsError> {
    let secrets: Vec<_> = [key(from, "secret_key")?, key(from, "secret_key_previous")?].into_iter().flatten().collect();
    if from.text("secret_key")?.is_empty() && !secrets.is_empty() {
        return Err(from.wrong("secret_key_previous", "must be set together with SECRET_KEY"));
    }
    let keys = key_source(from)?;
    if secrets.is_empty() && keys.is_none() {
        let reason = "must be set where AUTH_MODE is jwt, unless JWKS_FILE or JWKS_URL is";
        return Err(from.wrong("secret_key", reason));
    }
    let rules = TokenRules::new(from.list("jwt_audience")?, from.list("jwt_issuer")?);
    let refresh_every = Duration::from_secs(from.number("jwks_refresh_s", 10, 86_400)?);
    Ok(JwtConfig { secrets, keys, refresh_every, ..JwtConfig::new(rules) })
}

/// A key that nobody can guess, where one is set.
fn key(from: &Reader<'_>, name: &str) -> Result<Option<SecretString>, SettingsError> {
    let key = from.text(name)?;
    if key.is_empty() {
        return Ok(None);
    }
    check_signing_key(&key).map_err(|rejection| from.wrong(name, &rejection.detail))?;
    Ok(Some(key.into()))
}

fn key_source(from: &Reader<'_>) -> Result<Option<KeySource>, SettingsError> {
    match (from.text("jwks_file")?, from.text("jwks_url")?) {
        (file, url) if file.is_empty() && url.is_empty() => Ok(None),
        (file, url) if url.is_empty() => Ok(Some(KeySource::File(PathBuf::from(file)))),
        (file, url) if file.is_empty() => {
            let parsed = url.parse::<KeySetUrl>();
            parsed.map(KeySource::Url).map(Some).map_err(|error| from.wrong("jwks_url", &error.to_string()))
        }
        _ => Err(from.wrong("jwks_url", "must not be set together with JWKS_FILE")),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::super::Settings;
    use super::super::source::Sources;
    use super::*;

    const KEY: &str = "8f14e45fceea167a5a36dedd4bea2543";
    const OTHER: &str = "b1d5781111d84f7b3fe45a0852e59758";

    fn figment(variables: &[(&str, &str)]) -> Figment {
        Sources::of(variables).merge().unwrap()
    }

    fn read(variables: &[(&str, &str)]) -> Result<Auth, String> {
        let settings = Settings::read(&figment(variables)).map_err(|error| error.to_string())?;
        Ok(settings.auth)
    }

    fn jwt(variables: &[(&str, &str)]) -> Result<JwtConfig, String> {
        match read(&[&[("AUTH_MODE", "jwt")], variables].concat())? {
            Auth::Jwt(config) => Ok(config),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn open_mode_beyond_loopback_must_be_asked_for() {
        assert!(read(&[("HOST", "0.0.0.0")]).unwrap_err().starts_with("AUTH_MODE (default)"));
        assert!(read(&[("HOST", "0.0.0.0"), ("AUTH_MODE", "open")]).is_ok());
        assert!(matches!(read(&[("HOST", "::1")]), Ok(Auth::Open)));
        assert!(read(&[("AUTH_MODE", "none")]).unwrap_err().starts_with("AUTH_MODE (environment): must "));
    }

    #[test]
    fn a_gateway_must_be_named() {
        assert!(read(&[("AUTH_MODE", "gateway")]).unwrap_err().starts_with("TRUSTED_PROXIES (default): must "));
        for bad in ["proxy.example", "0.0.0.0/0", "10.0.0.0/8,x"] {
            let error = read(&[("AUTH_MODE", "gateway"), ("TRUSTED_PROXIES", bad)]).unwrap_err();
            assert!(error.starts_with("TRUSTED_PROXIES (environment): must "), "{error}");
        }
        let listed = read(&[("AUTH_MODE", "gateway"), ("TRUSTED_PROXIES", "10.0.0.0/8, 192.168.1.7")]);
        assert!(matches!(listed, Ok(Auth::Gateway)));
    }

    #[test]
    fn tokens_need_a_key_that_nobody_can_guess() {
        assert!(jwt(&[]).unwrap_err().starts_with("SECRET_KEY (default): must be set"));
        for bad in ["hunter2", "changeme-changeme-changeme-changeme-1", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"] {
            let error = jwt(&[("SECRET_KEY", bad)]).unwrap_err();
            assert!(error.starts_with("SECRET_KEY (environment): must ") && !error.contains(bad), "{error}");
            let error = jwt(&[("SECRET_KEY", KEY), ("SECRET_KEY_PREVIOUS", bad)]).unwrap_err();
            assert!(error.starts_with("SECRET_KEY_PREVIOUS (environment): must ") && !error.contains(bad), "{error}");
        }
        assert!(jwt(&[("SECRET_KEY_PREVIOUS", KEY)]).unwrap_err().starts_with("SECRET_KEY_PREVIOUS (environment)"));
        let both = jwt(&[("SECRET_KEY", KEY), ("SECRET_KEY_PREVIOUS", OTHER)]).unwrap();
        let keys: Vec<_> = both.secrets.iter().map(|key| key.expose_secret().to_owned()).collect();
        assert_eq!(keys, [KEY, OTHER]);
        assert!(!format!("{both:?}").contains(KEY));
    }

    #[test]
    fn public_keys_come_from_one_safe_place() {
        assert!(matches!(jwt(&[("JWKS_FILE", "/keys.json")]).unwrap().keys, Some(KeySource::File(_))));
        assert!(matches!(jwt(&[("JWKS_URL", "https://id.example/jwks")]).unwrap().keys, Some(KeySource::Url(_))));
        for bad in ["http://id.example/jwks", "id.example", "https://u:hunter2@id.example"] {
            let error = jwt(&[("JWKS_URL", bad)]).unwrap_err();
            assert!(error.starts_with("JWKS_URL (environment): must ") && !error.contains("hunter2"), "{error}");
        }
        let both = [("JWKS_URL", "https://id.example/jwks"), ("JWKS_FILE", "/keys.json")];
        assert!(jwt(&both).unwrap_err().starts_with("JWKS_URL (environment): must not"));
    }

    #[test]
    fn what_tokens_are_signed_with_does_not_hang_on_the_mode() {
        let variables = [("SECRET_KEY", KEY), ("JWT_AUDIENCE", "chat, web"), ("JWT_ISSUER", "https://id.example")];
        let signing = Signing::read(&figment(&variables)).unwrap();
        assert_eq!(signing.key.expose_secret(), KEY);
        assert_eq!(
            (signing.audience.as_deref(), signing.issuer.as_deref()),
            (Some("chat"), Some("https://id.example"))
        );
        assert!(Signing::read(&figment(&[])).unwrap_err().to_string().starts_with("SECRET_KEY (default): must be set"));
    }
}
