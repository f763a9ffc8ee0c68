//! The Chorus chat service: reads its settings, puts the parts together, serves.
//!
//! # Map
//! - `cli`, `settings`: what is asked for.
//! - `store`, `compose`: the parts, put together.
//! - `serve`, `signal`, `sweep`: from the first request to the clean end.
//! - `health`: asking a running service. `token`: a token for trying things out.
//! - `callers`: how they become known. `limits`: how much they may ask. `dump`: keeping memory to oneself.
//! - `descriptors`: open files for all connections.
//! - `measured`: the service without its sockets, for whoever counts what a request costs.
//! - `telemetry`: the log. `figures`: what `/metrics` shows. `failure`: why the program ends other than well.

mod attachments;
mod callers;
mod cli;
mod compose;
mod descriptors;
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
use std::time::Duration;

use clap::Parser as _;
use cli::{Cli, Command};
use failure::Failure;
pub use measured::{Measured, Unmeasurable};
use settings::{Settings, Signing};
use signal::Stop;
use store::OpenStore;

/// A request is some forty small allocations, given back on the thread that made them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long threads that wait for a disk may keep a program that has ended. What they had begun is undone with it.
const LAST_THREADS: Duration = Duration::from_millis(500);

/// The whole program, from the command line to the exit code.
#[must_use]
pub fn main() -> ExitCode {
    match on_runtime(run(&Cli::parse())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where even standard error is gone, the exit code is all that is left.
            _ = writeln!(std::io::stderr(), "chat-service: {}", failure.line());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Does it on all cores, and leaves behind what does not end.
fn on_runtime(program: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)?;
    let ended = runtime.block_on(program);
    runtime.shutdown_timeout(LAST_THREADS);
    ended
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
        Some(Command::Migrate) => migrate(&settings).await,
        None | Some(Command::Serve | Command::Openapi | Command::Token(_)) => {
            let log = telemetry::start(&settings).map_err(Failure::Log)?;
            serve::serve(settings, log).await
        }
    }
}

async fn migrate(settings: &Settings) -> Result<(), Failure> {
    let mut stop = Stop::listen().map_err(Failure::Signal)?;
    let _log = telemetry::start(settings).map_err(Failure::Log)?;
    OpenStore::open(settings, stop.requested()).await?.close().await;
    Ok(())
}

fn print_settings(figment: &figment::Figment) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for (setting, value, source) in Settings::shown(figment) {
        writeln!(out, "# {} (from: {source})\n{}={value}", setting.about, setting.variable())?;
    }
    Ok(())
}
