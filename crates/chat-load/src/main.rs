//! Load for a chat service, and the benchmark that holds it against its yardsticks.
//!
//! - [`load`]: drives connections, as fast as they go or at a rate, and counts.
//! - [`case`], [`population`], [`request`]: what is asked, of which sessions.
//! - [`connection`], [`answer`], [`target`]: HTTP/1.1, no more of it than a load generator needs.
//! - [`bare`], [`sqlite_commits`]: yardsticks that can be run by themselves.
//! - [`stored`]: a store that has grown.
//! - [`mod@bench`]: the whole table.

mod answer;
mod bare;
mod bench;
mod case;
mod cli;
mod connection;
mod error;
mod load;
mod population;
mod request;
mod sqlite_commits;
mod stored;
#[cfg(test)]
mod tables;
mod target;

use std::error::Error as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::error::LoadError;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(args) => run(&args),
        Command::Bench(args) => bench::run(&args, say),
        Command::Bare(args) => bare::serve(&args),
        Command::SqliteCommits(args) => {
            sqlite_commits::run(&args.file, args.seconds).and_then(|rate| say(&format!("{rate:.0} commits/s\n")))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell_why(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(args: &cli::RunArgs) -> Result<(), LoadError> {
    let summary = load::against(args)?;
    say(&if args.json { summary.json() } else { summary.to_string() })?;
    summary.refuse_unexpected()
}

/// Writes to standard output, where the reader may be gone.
fn say(text: &str) -> Result<(), LoadError> {
    io::stdout().write_all(text.as_bytes()).map_err(|source| LoadError::io("standard output", source))
}

fn tell_why(error: &LoadError) {
    let mut line = format!("chat-load: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    _ = writeln!(io::stderr(), "{line}");
}
