//! Plays cases in their long form and prints what became of them.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use chat_chaos::{CASES, Case, Form, Programs, Row, Store, play};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// Faults for a chat service: what it promises under each, and what it did.
#[derive(Debug, Parser)]
#[command(name = "chat-chaos", version, about)]
struct Cli {
    /// Cases to play; all where none is named
    cases: Vec<String>,
    /// One kind of store alone
    #[arg(long, value_parser = [Store::Sqlite.name(), Store::Postgres.name()])]
    store: Option<String>,
    /// Few rounds, and the patience of a busy machine
    #[arg(long)]
    short: bool,
    /// Name the cases, and play none
    #[arg(long)]
    list: bool,
    /// The build of the service; beside this program where it is left out
    #[arg(long, value_name = "FILE")]
    service: Option<PathBuf>,
    /// The directory of PostgreSQL's programs; those of the PATH where it is left out
    #[arg(long, value_name = "DIRECTORY", env = "TEST_POSTGRES_PROGRAMS")]
    postgres: Option<PathBuf>,
    /// The Redis server; that of the PATH where it is left out
    #[arg(long, value_name = "FILE", env = "TEST_REDIS_SERVER")]
    redis: Option<PathBuf>,
}

impl Cli {
    fn wants(&self, case: &Case) -> bool {
        let store = self.store.as_ref().is_none_or(|store| store == case.store.name());
        store && (self.cases.is_empty() || self.cases.iter().any(|name| name == case.name))
    }

    fn service(&self) -> io::Result<PathBuf> {
        match &self.service {
            Some(service) => Ok(service.clone()),
            None => Ok(std::env::current_exe()?.with_file_name("chat-service")),
        }
    }
}

fn main() -> io::Result<ExitCode> {
    let cli = Cli::parse();
    if let Some(unknown) = cli.cases.iter().find(|name| CASES.iter().all(|case| case.name != **name)) {
        writeln!(io::stderr(), "chat-chaos: there is no case {unknown}; --list names them")?;
        return Ok(ExitCode::FAILURE);
    }
    let cases: Vec<Case> = CASES.iter().copied().filter(|case| cli.wants(case)).collect();
    if cli.list {
        for case in cases {
            writeln!(io::stdout(), "{}: {} ({})", case.name, case.fault, case.store)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        // What was started is dropped with the run, and so ends.
        tokio::select! {
            passed = run(&cli, cases) => passed,
            _ = interrupt.recv() => Ok(ExitCode::FAILURE),
            _ = terminate.recv() => Ok(ExitCode::FAILURE),
        }
    })
}

async fn run(cli: &Cli, cases: Vec<Case>) -> io::Result<ExitCode> {
    let programs = Programs::new(cli.service()?, cli.postgres.clone(), cli.redis.clone());
    let form = if cli.short { Form::Short } else { Form::Long };
    let mut failed = false;
    io::stdout().write_all(Row::HEAD.as_bytes())?;
    for case in cases {
        let row = play(case, form, &programs).await;
        write!(io::stdout(), "{row}")?;
        io::stderr().write_all(row.complaint().as_bytes())?;
        failed |= !row.passed();
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
