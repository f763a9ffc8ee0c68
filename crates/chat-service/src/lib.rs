//! The Chorus chat service: reads its settings, puts the parts together, serves.
//!
//! # Map
//! - `cli`, `settings`: what is asked for.
//! - `store`, `compose`: the parts, put together.
//! - `serve`, `signal`, `sweep`: from the first request to the clean end.
//! - `health`: asking a running service. `token`: a token for trying things out.
//! - `callers`: how they become known. `limits`: how much they may ask. `dump`: keeping memory to oneself.
//! - `measured`: the service without its sockets, for whoever counts what a request costs.
//! - `telemetry`: the log. `figures`: what `/metrics` shows. `failure`: why the program ends other than well.

mod callers;
mod cli;
mod compose;
mod dump;
mod failure;
mod figures;
mod health;
mod limits;
mod measured;
mod serve;
mod settings;
mod signal;
mod store;
mod sweep;
mod telemetry;
mod token;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use cli::{Cli, Command};
use failure::Failure;
pub use measured::{Measured, Unmeasurable};
use settings::{Settings, Signing};
use store::OpenStore;

/// A request is some forty small allocations, given back on the thread that made them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The whole program, from the command line to the exit code.
pub async fn main() -> ExitCode {
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
    if let Some(Command::Token(args)) = &cli.command {
        let token = token::token(args, &Signing::read(&figment)?)?;
        return Ok(writeln!(std::io::stdout(), "{token}")?);
    }
    let settings = Settings::read(&figment)?;
    match &cli.command {
        Some(Command::Config) => print_settings(&figment),
        Some(Command::Health) => health::ask(&settings).await.map_err(Failure::Health),
        Some(Command::Migrate) => {
            let _log = telemetry::start(&settings).map_err(Failure::Log)?;
            OpenStore::open(&settings).await?.close().await;
            Ok(())
        }
        None | Some(Command::Serve | Command::Openapi | Command::Token(_)) => {
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
