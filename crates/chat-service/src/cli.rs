//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::settings::Sources;
use crate::token::TokenArgs;

/// The Chorus chat service: sessions and messages over REST.
#[derive(Debug, Parser)]
#[command(name = "chat-service", version = chat_http::VERSION, about, propagate_version = true)]
pub(crate) struct Cli {
    /// What to do; serves where it is left out
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// A TOML file with settings
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to listen on; HOST
    #[arg(long, global = true)]
    host: Option<String>,
    /// Port to listen on; PORT
    #[arg(long, global = true)]
    port: Option<String>,
    /// postgres:// or sqlite:// URL of the store; `DATABASE_URL`
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// redis:// or rediss:// URL of a shared cache; `REDIS_URL`
    #[arg(long, global = true, value_name = "URL")]
    redis_url: Option<String>,
    /// Directory of the SQLite file; `DATA_DIR`
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// json or pretty; `LOG_FORMAT`
    #[arg(long, global = true)]
    log_format: Option<String>,
    /// open, gateway or jwt; `AUTH_MODE`
    #[arg(long, global = true)]
    auth_mode: Option<String>,
}

/// What the program can do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Serve until SIGTERM or SIGINT
    Serve,
    /// Print every setting with the value in force, secrets masked, and where it came from
    Config,
    /// Bring the tables up to date and exit
    Migrate,
    /// Print the OpenAPI document
    Openapi,
    /// Print a token signed with `SECRET_KEY`, for trying things out
    Token(TokenArgs),
    /// Ask the service on HOST and `METRICS_PORT`, or PORT, whether it lives; 0 where it does, for container health checks
    Health,
}

impl Cli {
    /// Where to read settings from, these flags included.
    pub(crate) fn sources(&self) -> Sources {
        let flags = [
            ("host", &self.host),
            ("port", &self.port),
            ("database_url", &self.database_url),
            ("redis_url", &self.redis_url),
            ("data_dir", &self.data_dir),
            ("log_format", &self.log_format),
            ("auth_mode", &self.auth_mode),
        ];
        let given = |(key, value): (&'static str, &Option<String>)| Some((key, value.clone()?));
        Sources {
            file: self.config.clone(),
            dot_env: Some(PathBuf::from(".env")),
            environment: environment(),
            flags: flags.into_iter().filter_map(given).collect(),
        }
    }
}

/// Variables that are no UTF-8 cannot be settings.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn environment() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}
