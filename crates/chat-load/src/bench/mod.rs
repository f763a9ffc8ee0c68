//! The benchmark: a release build of the service on each store, each case in turn with its yardstick, round by round.
//!
//! - [`course`]: what is measured, in which order, against what; the bars.
//! - [`server`]: a process that listens: the service, the bare handler.
//! - [`postgres`]: databases that come and go, and pgbench.
//! - [`memory`]: what a process takes.
//! - [`series`], [`sheet`]: medians, spread, ratios, and the table.

mod course;
mod memory;
mod postgres;
mod programs;
mod series;
mod server;
mod sheet;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use self::course::Course;
use self::postgres::{Database, Yardstick};
use self::server::Server;
use self::sheet::Sheet;
use crate::cli::BenchArgs;
use crate::error::LoadError;
use crate::load;
use crate::population::{Population, Shape};

/// Where the API lies on a node.
const API: &str = "/api/v1";

/// Measures everything; the table as Markdown.
pub(crate) fn run(args: &BenchArgs) -> Result<String, LoadError> {
    let bench = Bench::new(args)?;
    let mut sheet = Sheet::default();
    bench.sqlite(&mut sheet)?;
    match &args.postgres_url {
        Some(server) => bench.postgres(server, &mut sheet)?,
        None => tell("no --postgres-url: PostgreSQL is left out"),
    }
    Ok(format!("{}\n{sheet}", bench.conditions()))
}

/// A place to work in, and what to measure.
struct Bench<'a> {
    args: &'a BenchArgs,
    service: PathBuf,
    directory: TempDir,
}

impl<'a> Bench<'a> {
    fn new(args: &'a BenchArgs) -> Result<Self, LoadError> {
        let service = match &args.service {
            Some(service) => service.clone(),
            None => this_program()?.with_file_name("chat-service"),
        };
        let service = fs::canonicalize(&service)
            .map_err(|source| LoadError::io(format!("no service at {}", service.display()), source))?;
        let directory = tempfile::tempdir().map_err(|source| LoadError::io("no directory for the data", source))?;
        Ok(Self { args, service, directory })
    }

    fn conditions(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let (size, rounds) = (&self.args.size, self.args.rounds);
        format!(
            "{} connections, {} sessions, messages of 60 characters; {} s for each case after {} s of warm-up; the \
             median of {rounds} rounds; server, stores and load together on {cores} cores.\n",
            size.connections,
            size.sessions,
            size.seconds.as_secs_f64(),
            size.warm_up.as_secs_f64(),
        )
    }

    fn sqlite(&self, sheet: &mut Sheet) -> Result<(), LoadError> {
        let yardstick = self.path("yardstick.db");
        let settings = |file: &Path| vec![("DATABASE_URL", format!("sqlite://{}", file.display()))];
        let node = self.node(&settings(&yardstick))?.0;
        settle(&node, Shape { sessions: self.args.size.sessions, tenants: 1, filled: true })?;
        node.stop()?;

        let settings = settings(&self.path("chat.db"));
        let node = self.node(&settings)?.0;
        let course = Course::sqlite(&self.args.size, &node, &yardstick, self.directory.path());
        course.run(self.args.rounds, sheet)?;
        node.stop()?;
        self.starts(&settings, sheet)
    }

    fn postgres(&self, server: &url::Url, sheet: &mut Sheet) -> Result<(), LoadError> {
        let yardstick = Database::create(server, "yardstick")?;
        let node = self.node(&self.on(&yardstick))?.0;
        settle(&node, Shape { sessions: 1, tenants: 1, filled: true })?;
        node.stop()?;
        let yardstick = Yardstick::seed(&yardstick, &self.args.size, self.directory.path())?;

        let store = if self.args.redis_url.is_some() { "PostgreSQL + Redis" } else { "PostgreSQL" };
        let database = Database::create(server, "service")?;
        let node = self.node(&self.on(&database))?.0;
        Course::postgres(store, &self.args.size, &node, &yardstick).run(self.args.rounds, sheet)?;
        node.stop()
    }

    /// Start to first answer, on the file that the rounds have filled.
    fn starts(&self, settings: &[(&'static str, String)], sheet: &mut Sheet) -> Result<(), LoadError> {
        for _ in 0..self.args.rounds {
            let (node, took) = self.node(settings)?;
            sheet.note("SQLite", course::start(took));
            node.stop()?;
        }
        Ok(())
    }

    fn on(&self, database: &Database) -> Vec<(&'static str, String)> {
        let mut settings = vec![("DATABASE_URL", database.url())];
        settings.extend(self.args.redis_url.clone().map(|url| ("REDIS_URL", url)));
        settings
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts the service with these settings and no others.
    fn node(&self, settings: &[(&'static str, String)]) -> Result<(Server, std::time::Duration), LoadError> {
        Server::start(&self.service, &self.path("service.err"), API, |command, port| {
            command.current_dir(self.directory.path()).envs(settings.iter().cloned()).env("PORT", port.to_string());
        })
    }
}

/// Makes sessions on a node.
fn settle(node: &Server, shape: Shape) -> Result<Population, LoadError> {
    load::runtime()?.block_on(Population::settle(node.target(), shape, Vec::new()))
}

fn this_program() -> Result<PathBuf, LoadError> {
    std::env::current_exe().map_err(|source| LoadError::io("where this program lies", source))
}

/// Says how far it has come, beside the table.
fn tell(line: &str) {
    _ = writeln!(io::stderr(), "chat-load: {line}");
}
