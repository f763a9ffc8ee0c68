//! The Chorus chat service: reads its settings, puts the parts together, serves.
//!
//! # Map
//! - `cli`, `settings`: what is asked for.
//! - `store`, `compose`: the parts, put together.
//! - `serve`, `signal`, `sweep`: from the first request to the clean end.
//! - `health`: asking a running service. `telemetry`: the log. `failure`: why the program ends other than well.

mod cli;
mod compose;
mod failure;
mod health;
mod serve;
mod settings;
mod signal;
mod store;
mod sweep;
mod telemetry;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use cli::{Cli, Command};
use failure::Failure;
use settings::Settings;
use store::OpenStore;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where even standard error is gone, the exit code is all that is left.
            _ = writeln!(std::io::stderr(), "chat-service: {}", failure.line());
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn run(cli: &Cli) -> Result<(), Failure> {
    if cli.command == Some(Command::Openapi) {
        return Ok(writeln!(std::io::stdout(), "{}", chat_http::openapi::json())?);
    }
    let figment = cli.sources().merge()?;
    let settings = Settings::read(&figment)?;
    match cli.command {
        Some(Command::Config) => print_settings(&figment),
        Some(Command::Health) => health::ask(&settings).await.map_err(Failure::Health),
        Some(Command::Migrate) => {
            let _log = telemetry::start(&settings).map_err(Failure::Log)?;
            OpenStore::open(&settings).await?.close().await;
            Ok(())
        }
        None | Some(Command::Serve | Command::Openapi) => {
            let log = telemetry::start(&settings).map_err(Failure::Log)?;
            serve::serve(settings, log).await
        }
    }
}

fn print_settings(figment: &figment::Figment) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for (setting, value, source) in Settings::shown(figment) {
        writeln!(out, "# {} (from: {source})\n{}={value}", setting.about, setting.variable())?;
    }
    Ok(())
}
