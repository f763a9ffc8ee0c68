//! The settings as the rest of the program sees them: typed and sound.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chat_http::{CorsOrigins, LogShare, TrustedProxies};
use figment::Figment;
use secrecy::SecretString;

use super::attachments::AttachmentSettings;
use super::auth::{Auth, auth, trusted_proxies};
use super::catalogue::Setting;
use super::database::Database;
use super::limits::LimitSettings;
use super::read::{Reader, SettingsError};
use super::traces::{TraceSettings, traces};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "json" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            _ => Err(()),
        }
    }
}

/// The server counts the time for its end in whole seconds, and the writers need some after it.
const MIN_SHUTDOWN_S: u64 = 3;

/// All settings in force.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) host: IpAddr,
    pub(crate) port: u16,
    pub(crate) database: Database,
    pub(crate) migrate_database_url: Option<SecretString>,
    pub(crate) redis_url: Option<SecretString>,
    pub(crate) redis_prefix: String,
    pub(crate) auth: Auth,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) cors_origins: CorsOrigins,
    pub(crate) log_filter: String,
    pub(crate) log_format: LogFormat,
    pub(crate) log_sample_2xx: LogShare,
    pub(crate) metrics_port: Option<u16>,
    pub(crate) traces: Option<TraceSettings>,
    pub(crate) workers: Option<NonZeroUsize>,
    pub(crate) max_connections: usize,
    pub(crate) limits: LimitSettings,
    pub(crate) store_deadline: Duration,
    pub(crate) database_max_connections: usize,
    pub(crate) sqlite_readers: NonZeroUsize,
    pub(crate) group_commit_shards: usize,
    pub(crate) group_commit_max_batch: usize,
    pub(crate) group_commit_queue: usize,
    pub(crate) cache_bytes: u64,
    pub(crate) long_answer_bytes: usize,
    pub(crate) cache_ttl: Duration,
    pub(crate) attachments: AttachmentSettings,
    pub(crate) audit_retention: Duration,
    pub(crate) shutdown_delay: Duration,
    pub(crate) shutdown_timeout: Duration,
}

impl Settings {
    /// Reads every setting.
    ///
    /// # Errors
    /// The first that is wrong.
    pub(crate) fn read(figment: &Figment) -> Result<Self, SettingsError> {
        let from = Reader(figment);
        let host = host(&from)?;
        let max_connections = from.number("max_connections", 1, 1_000_000)?;
        Ok(Self {
            host,
            port: from.number("port", 0, u16::MAX)?,
            database: database(&from)?,
            migrate_database_url: migrate_database_url(&from)?,
            redis_url: redis_url(&from)?,
            redis_prefix: from.text("redis_prefix")?,
            auth: auth(&from, host)?,
            trusted_proxies: trusted_proxies(&from)?,
            cors_origins: cors_origins(&from)?,
            log_filter: log_filter(&from)?,
            log_format: from.parse("log_format", "must be json or pretty")?,
            log_sample_2xx: log_share(&from)?,
            metrics_port: metrics_port(&from)?,
            traces: traces(&from)?,
            workers: NonZeroUsize::new(from.number("workers", 0, 1_024)?),
            max_connections,
            limits: LimitSettings::read(&from, max_connections)?,
            store_deadline: Duration::from_millis(from.number("store_deadline_ms", 10, 8_000)?),
            database_max_connections: from.number("database_max_connections", 2, 1_000)?,
            sqlite_readers: from.count("sqlite_readers", 64)?,
            group_commit_shards: from.number("group_commit_shards", 1, 64)?,
            group_commit_max_batch: from.number("group_commit_max_batch", 1, 4_096)?,
            group_commit_queue: from.number("group_commit_queue", 1, 1_000_000)?,
            cache_bytes: from.number("cache_mib", 0, 65_536_u64)? * 1024 * 1024,
            long_answer_bytes: from.number("long_answers_mib", 1, 65_536_usize)? * 1024 * 1024,
            cache_ttl: Duration::from_secs(from.number("cache_ttl_s", 1, 86_400)?),
            attachments: AttachmentSettings::read(&from)?,
            audit_retention: Duration::from_hours(24 * from.number("audit_retention_days", 1, 36_500_u64)?),
            shutdown_delay: shutdown_delay(&from)?,
            shutdown_timeout: Duration::from_secs(from.number("shutdown_timeout_s", MIN_SHUTDOWN_S, 3_600)?),
        })
    }

    /// Every setting with the value in force, secrets masked, and where it came from.
    pub(crate) fn shown(figment: &Figment) -> Vec<(&'static Setting, String, String)> {
        Reader(figment).shown()
    }
}

fn host(from: &Reader<'_>) -> Result<IpAddr, SettingsError> {
    match from.text("host")?.trim() {
        "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
        _ => from.parse("host", "must be an IP address, or localhost"),
    }
}

fn database(from: &Reader<'_>) -> Result<Database, SettingsError> {
    let url = from.text("database_url")?;
    if url.is_empty() {
        let directory = PathBuf::from(from.text("data_dir")?);
        return Ok(Database::Sqlite(directory.join("chat.db")));
    }
    Database::from_url(&url.into()).map_err(|reason| from.wrong("database_url", reason))
}

fn migrate_database_url(from: &Reader<'_>) -> Result<Option<SecretString>, SettingsError> {
    let url = from.text("migrate_database_url")?;
    if url.is_empty() {
        return Ok(None);
    }
    match Database::from_url(&url.into()) {
        Ok(Database::Postgres(url)) => Ok(Some(url)),
        Ok(Database::Sqlite(_)) | Err(_) => Err(from.wrong("migrate_database_url", "must begin with postgres://")),
    }
}

fn redis_url(from: &Reader<'_>) -> Result<Option<SecretString>, SettingsError> {
    let url = from.text("redis_url")?;
    if url.is_empty() {
        return Ok(None);
    }
    let known = url::Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "redis" | "rediss") && url.has_host());
    if known { Ok(Some(url.into())) } else { Err(from.wrong("redis_url", "must be a URL such as redis://host:6379")) }
}

fn cors_origins(from: &Reader<'_>) -> Result<CorsOrigins, SettingsError> {
    let reason = "must be origins such as https://app.example.com, without a path";
    CorsOrigins::new(from.list("cors_origins")?).map_err(|_| from.wrong("cors_origins", reason))
}

fn log_share(from: &Reader<'_>) -> Result<LogShare, SettingsError> {
    let must_be = "must be a number from 0 to 1";
    let share = from.parse("log_sample_2xx", must_be)?;
    LogShare::new(share).map_err(|_| from.wrong("log_sample_2xx", must_be))
}

fn metrics_port(from: &Reader<'_>) -> Result<Option<u16>, SettingsError> {
    if from.text("metrics_port")?.is_empty() {
        return Ok(None);
    }
    let port = from.number("metrics_port", 0, u16::MAX)?;
    if port != 0 && port == from.number("port", 0, u16::MAX)? {
        return Err(from.wrong("metrics_port", "must be another port than PORT"));
    }
    Ok(Some(port))
}

/// A delay that leaves no time to answer what is in flight would make every end an unclean one.
fn shutdown_delay(from: &Reader<'_>) -> Result<Duration, SettingsError> {
    let timeout: u64 = from.number("shutdown_timeout_s", MIN_SHUTDOWN_S, 3_600)?;
    let delay = from.number("shutdown_delay_s", 0, 3_600)?;
    if delay + 2 <= timeout {
        return Ok(Duration::from_secs(delay));
    }
    Err(from.wrong("shutdown_delay_s", "must be at least 2 below SHUTDOWN_TIMEOUT_S"))
}

/// actix-http logs an error for each head that is no HTTP, which any client can send as often as it likes.
fn log_filter(from: &Reader<'_>) -> Result<String, SettingsError> {
    let debug = from.flag("debug")?;
    let filter = from.text("rust_log")?;
    let filter = match (filter.is_empty(), debug) {
        (false, _) => filter,
        (true, false) => "info,actix_http=off,actix_server=warn".to_owned(),
        (true, true) => "info,actix_http=off,chat_infra=debug,chat_http=debug,chat_service=debug".to_owned(),
    };
    let sound = tracing_subscriber::EnvFilter::try_new(&filter);
    sound.map(|_| filter).map_err(|_| from.wrong("rust_log", "must be a filter such as info,chat_infra=debug"))
}

#[cfg(test)]
mod tests {
    use super::super::source::Sources;
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let figment = Sources::of(variables).merge().unwrap();
        Settings::read(&figment).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_serve_a_file_on_loopback() {
        let settings = read(&[]).unwrap();
        assert_eq!((settings.host.to_string().as_str(), settings.port), ("127.0.0.1", 8000));
        assert!(matches!(settings.database, Database::Sqlite(path) if path.ends_with("data/chat.db")));
        assert!(settings.redis_url.is_none());
    }

    #[test]
    fn a_wrong_value_is_one_line_that_names_the_setting_and_its_source() {
        for (name, value) in [
            ("PORT", "http"),
            ("PORT", "70000"),
            ("HOST", "nowhere"),
            ("DATABASE_URL", "mysql://x"),
            ("MIGRATE_DATABASE_URL", "sqlite://x"),
            ("REDIS_URL", "localhost:6379"),
            ("AUTH_MODE", "none"),
            ("TRUSTED_PROXIES", "everybody"),
            ("CORS_ORIGINS", "example.com"),
            ("CORS_ORIGINS", "[1]"),
            ("DEBUG", "maybe"),
            ("RUST_LOG", "info,x=y=z"),
            ("LOG_FORMAT", "xml"),
            ("LOG_SAMPLE_2XX", "1.1"),
            ("LOG_SAMPLE_2XX", "half"),
            ("METRICS_PORT", "8000"),
            ("METRICS_PORT", "no"),
            ("STORE_DEADLINE_MS", "0"),
            ("AUDIT_RETENTION_DAYS", "0"),
            ("SHUTDOWN_TIMEOUT_S", "2"),
            ("SHUTDOWN_DELAY_S", "24"),
            ("CACHE_MIB", "-1"),
            ("LONG_ANSWERS_MIB", "0"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.starts_with(&format!("{name} (environment): must ")), "{error}");
            assert_eq!(error.lines().count(), 1);
        }
    }

    #[test]
    fn localhost_is_this_machine() {
        assert!(read(&[("HOST", "localhost")]).unwrap().host.is_loopback());
    }

    #[test]
    fn origins_come_as_a_list_of_either_kind() {
        let expected = ["https://a.example", "http://localhost:3000"];
        for value in ["https://a.example, http://localhost:3000", r#"["https://a.example","http://localhost:3000"]"#] {
            assert_eq!(read(&[("CORS_ORIGINS", value)]).unwrap().cors_origins, CorsOrigins::new(expected).unwrap());
        }
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        assert_eq!(read(&[("PORT", ""), ("REDIS_URL", "")]).unwrap().port, 8000);
    }

    #[test]
    fn flags_win_over_the_environment_that_over_dot_env_that_over_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let (file, dot_env) = (directory.path().join("chat.toml"), directory.path().join(".env"));
        std::fs::write(
            &file,
            "port = 1\nworkers = 1\ncache_mib = 1\nmax_connections = 1\ncors_origins = [\"http://a\"]",
        )
        .unwrap();
        std::fs::write(&dot_env, "PORT=2\nWORKERS=2\nCACHE_MIB=2\nUNKNOWN=x\n").unwrap();
        let sources = Sources {
            file: Some(file),
            dot_env: Some(dot_env),
            environment: vec![("PORT".to_owned(), "3".to_owned()), ("WORKERS".to_owned(), "3".to_owned())],
            flags: vec![("port", "4".to_owned())],
        };
        let settings = Settings::read(&sources.merge().unwrap()).unwrap();
        assert_eq!(settings.port, 4);
        assert_eq!(settings.workers, NonZeroUsize::new(3));
        assert_eq!(settings.cache_bytes, 2 * 1024 * 1024);
        assert_eq!(settings.max_connections, 1);
        assert_eq!(settings.cors_origins, CorsOrigins::new(["http://a"]).unwrap());
    }

    #[test]
    fn a_flag_is_read_as_people_write_it() {
        for (value, filter) in [("1", "debug"), ("True", "debug"), ("yes", "debug"), ("0", "info"), ("false", "info")] {
            assert!(read(&[("DEBUG", value)]).unwrap().log_filter.contains(filter), "{value}");
        }
    }

    #[test]
    fn a_broken_line_of_dot_env_is_named_and_not_shown() {
        let directory = tempfile::tempdir().unwrap();
        let dot_env = directory.path().join(".env");
        std::fs::write(&dot_env, "PORT=1\nSECRET_KEY=hunter2 has spaces\n").unwrap();
        let error = Sources { dot_env: Some(dot_env), ..Sources::default() }.merge().unwrap_err().to_string();
        assert!(error.contains("SECRET_KEY") && !error.contains("hunter2") && error.lines().count() == 1, "{error}");
    }

    #[test]
    fn a_file_with_an_unknown_setting_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("chat.toml");
        std::fs::write(&file, "prot = 1").unwrap();
        let error = Sources { file: Some(file), ..Sources::default() }.merge().unwrap_err().to_string();
        assert!(error.starts_with("PROT in ") && error.ends_with("there is no such setting"), "{error}");
    }

    #[test]
    fn no_secret_is_shown() {
        let variables = [("SECRET_KEY", "hunter2"), ("DATABASE_URL", "postgres://u:hunter2@h/d")];
        let figment = Sources::of(&variables).merge().unwrap();
        let shown = Settings::shown(&figment);
        assert!(shown.iter().all(|(_, value, _)| !value.contains("hunter2")));
        assert!(
            shown.iter().any(|(setting, value, source)| setting.key == "secret_key"
                && value == "***"
                && source == "environment")
        );
        let settings = Settings::read(&figment).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
