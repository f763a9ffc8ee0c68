//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::case::Case;
use crate::target::Target;

/// Load and benchmarks for a chat service.
#[derive(Debug, Parser)]
#[command(name = "chat-load", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send one kind of load to a running service
    Run(RunArgs),
    /// Measure a release build on each store, each case in turn with its yardstick, and print a Markdown table
    Bench(BenchArgs),
    /// Serve one answer from memory: what the HTTP server can do by itself
    #[command(hide = true)]
    Bare(BareArgs),
    /// Store messages one by one, from one thread, in an SQLite file that a service has filled and left
    #[command(hide = true)]
    SqliteCommits(SqliteCommitsArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Where the API lies
    #[arg(long, default_value = "http://127.0.0.1:8000/api/v1")]
    pub(crate) url: Target,
    /// What to ask for
    #[arg(long, value_enum, default_value_t = Case::Create)]
    pub(crate) case: Case,
    #[command(flatten)]
    pub(crate) size: Size,
    /// Requests a second, spread evenly; as fast as the connections go where it is left out
    #[arg(long, value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// A header to send with each request, as in 'Authorization: Bearer …'; may be given again
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<String>,
    /// Tenants that the sessions are spread over
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub(crate) tenants: usize,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How much load, for how long.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Size {
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 64, value_parser = at_least_one)]
    pub(crate) connections: usize,
    /// Sessions that are made first, and then spoken of
    #[arg(long, default_value_t = 200, value_parser = at_least_one)]
    pub(crate) sessions: usize,
    /// Length of the measurement
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// Length of the load before it, which does not count
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) warm_up: Duration,
    /// Threads that drive the connections; 0 for one a core, or with a rate for no more than it needs
    #[arg(long, default_value_t = 0)]
    pub(crate) threads: usize,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchArgs {
    /// The release build of the service; beside this program where it is left out
    #[arg(long, value_name = "FILE")]
    pub(crate) service: Option<PathBuf>,
    /// A PostgreSQL in which databases may be made, as postgres://…; no PostgreSQL where it is left out
    #[arg(long, value_name = "URL", env = "TEST_DATABASE_URL", hide_env_values = true)]
    pub(crate) postgres_url: Option<Url>,
    /// A Redis for the service on PostgreSQL
    #[arg(long, value_name = "URL", env = "TEST_REDIS_URL", hide_env_values = true)]
    pub(crate) redis_url: Option<String>,
    /// Messages in the store that has grown, a tenth of them in one session; 0 leaves it out
    #[arg(long, value_name = "MESSAGES", default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(..=100_000_000))]
    pub(crate) stored: u64,
    /// Times that everything is measured
    #[arg(long, default_value_t = 3, value_parser = at_least_one)]
    pub(crate) rounds: usize,
    #[command(flatten)]
    pub(crate) size: Size,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BareArgs {
    /// Port to listen on
    #[arg(long, default_value_t = 8001)]
    pub(crate) port: u16,
    /// Whose answer to send, head and body; a small JSON object where it is left out
    #[arg(long, value_name = "URL")]
    pub(crate) like: Option<Target>,
    /// A header to ask for it with; may be given again
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SqliteCommitsArgs {
    /// The database file
    pub(crate) file: PathBuf,
    /// Length of the measurement
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub(crate) seconds: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "must be a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "must be a number".to_owned())?;
    if (0.01..=10_000_000.0).contains(&rate) { Ok(rate) } else { Err("must be 0.01 to 10,000,000".to_owned()) }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "must be a whole number from 1".to_owned())
}

fn header(text: &str) -> Result<String, String> {
    let (name, _) = text.split_once(':').ok_or_else(|| "must be a name, a colon and a value".to_owned())?;
    let sane = !name.is_empty() && !text.chars().any(char::is_control);
    if sane { Ok(text.to_owned()) } else { Err("must be one line that begins with a name".to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn run(arguments: &[&str]) -> Result<RunArgs, clap::Error> {
        let cli = Cli::try_parse_from(["chat-load", "run"].iter().chain(arguments))?;
        match cli.command {
            Command::Run(args) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_those_of_the_bars() {
        let args = run(&[]).unwrap();
        assert_eq!((args.size.connections, args.size.sessions, args.tenants), (64, 200, 1));
        assert_eq!((args.case, args.rate), (Case::Create, None));
    }

    #[test]
    fn everything_can_be_said() {
        let args = run(&[
            "--url=http://localhost:9000/x",
            "--case=user-sessions",
            "--connections=2",
            "--sessions=3",
            "--tenants=4",
            "--seconds=0.5",
            "--warm-up=0",
            "--rate=100.5",
            "--threads=1",
            "--header=A: b",
            "--header=C: d",
            "--json",
        ])
        .unwrap();
        assert_eq!((args.case, args.rate), (Case::UserSessions, Some(100.5)));
        assert_eq!((args.size.seconds, args.size.warm_up), (Duration::from_millis(500), Duration::ZERO));
        assert_eq!(args.headers, ["A: b", "C: d"]);
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for bad in [
            "--connections=0",
            "--sessions=0",
            "--tenants=0",
            "--rate=0",
            "--rate=NaN",
            "--rate=x",
            "--seconds=-1",
            "--seconds=inf",
            "--header=none",
            "--header=: x",
            "--header=a: b\r\nc: d",
            "--case=nothing",
            "--url=ftp://x/",
        ] {
            assert!(run(&[bad]).is_err(), "{bad}");
        }
    }
}
