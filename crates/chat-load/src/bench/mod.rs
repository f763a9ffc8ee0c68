//! The benchmark: a release build of the service on each store, each case in turn with its yardstick, round by round.
//!
//! - [`course`]: what is measured, in which order, against what; the bars.
//! - [`beside`]: the same on nodes that differ in one thing; [`walk`]: to the end of a long session.
//! - [`two_nodes`], [`processor`]: whose processor time a request takes.
//! - [`measure`]: one load on one node; [`turns`]: which of those that are compared goes first.
//! - [`server`]: a process that listens: the service, the bare handler.
//! - [`postgres`]: databases that come and go, and pgbench.
//! - [`memory`]: what a process takes.
//! - [`series`], [`sheet`], [`offers`]: medians, spread, ratios, and the tables.

mod beside;
mod course;
mod measure;
mod memory;
mod offers;
mod postgres;
mod processor;
mod programs;
mod series;
mod server;
mod sheet;
mod turns;
mod two_nodes;
mod walk;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use self::beside::{Beside, Other};
use self::course::Course;
use self::postgres::{Database, Yardstick};
use self::server::Server;
use self::sheet::Sheet;
use self::two_nodes::{Shares, TwoNodes};
use crate::cli::BenchArgs;
use crate::error::LoadError;
use crate::load;
use crate::population::{Population, Shape};
use crate::stored::{self, Stored};

/// Settings of a node that asks for tokens and limits its callers.
const GUARDED: [(&str, &str); 6] = [
    ("AUTH_MODE", "jwt"),
    ("SECRET_KEY", "kH3v8mQx1ZpT6sWn0aYc5LrDf2BgUj7E"),
    ("RATE_LIMIT", "1000000"),
    ("RATE_BURST", "1000000"),
    ("RATE_LIMIT_MESSAGES", "1000000"),
    ("RATE_BURST_MESSAGES", "1000000"),
];

/// Where the API lies on a node.
const API: &str = "/api/v1";

/// Measures everything and says the table as Markdown; where a case fails, with what was measured until then.
///
/// # Errors
/// Where the table is not whole.
pub(crate) fn run(args: &BenchArgs, say: impl Fn(&str) -> Result<(), LoadError>) -> Result<(), LoadError> {
    let bench = Bench::new(args)?;
    let mut sheet = Sheet::default();
    let measured = bench.stores(&mut sheet);
    let shares = measured.as_deref().unwrap_or_default();
    say(&format!("{}\n{sheet}\n{shares}", bench.conditions()))?;
    measured.map(drop)
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

    /// One store after the other; whose processor time a request takes is told apart.
    fn stores(&self, sheet: &mut Sheet) -> Result<String, LoadError> {
        self.sqlite(sheet)?;
        let Some(server) = &self.args.postgres_url else {
            tell("no --postgres-url: PostgreSQL is left out");
            return Ok(String::new());
        };
        self.postgres(server, sheet)
    }

    fn conditions(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let (size, rounds) = (&self.args.size, self.args.rounds);
        format!(
            "{} connections, {} sessions, messages of 60 characters; {} s for each case after {} s of warm-up, half of \
             both where two figures of the service are compared; the median of {rounds} rounds; server, stores and load \
             together on {cores} cores.\n",
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

        let beside = Beside {
            grown: self.grown(&settings(&self.path("grown.db")), |stored| {
                stored::fill_sqlite(&self.path("grown.db"), stored)
            })?,
            guarded: self.guarded(settings(&self.path("guarded.db")))?,
        };
        let settings = settings(&self.path("chat.db"));
        let node = self.node(&settings)?.0;
        let course = Course::sqlite(&self.args.size, &node, &beside, &yardstick, self.directory.path());
        course.run(self.args.rounds, sheet)?;
        node.stop()?;
        beside.stop()?;
        self.starts(&settings, sheet)
    }

    /// Whose processor time a request takes, as a table of its own.
    fn postgres(&self, server: &url::Url, sheet: &mut Sheet) -> Result<String, LoadError> {
        let yardstick = Database::create(server, "yardstick")?;
        let node = self.node(&self.on(&yardstick))?.0;
        settle(&node, Shape { sessions: 1, tenants: 1, filled: true })?;
        node.stop()?;
        let yardstick = Yardstick::seed(&yardstick, &self.args.size, self.directory.path())?;

        let [grown, guarded] = [Database::create(server, "grown")?, Database::create(server, "guarded")?];
        let beside = Beside {
            grown: self.grown(&self.on(&grown), |stored| grown.fill(stored))?,
            guarded: self.guarded(self.on(&guarded))?,
        };
        let store = if self.args.redis_url.is_some() { "PostgreSQL + Redis" } else { "PostgreSQL" };
        let database = Database::create(server, "service")?;
        let node = self.node(&self.on(&database))?.0;
        let course = Course::postgres(store, &self.args.size, &node, &beside, &yardstick);
        let people = course.run(self.args.rounds, sheet)?;
        beside.stop()?;
        let shares = self.two_nodes(&node, &database, &people)?;
        node.stop()?;
        Ok(shares)
    }

    /// A node on a store that was filled before it started, and sessions that were stored, the long one among them.
    fn grown(
        &self,
        settings: &[(&'static str, String)],
        fill: impl FnOnce(Stored) -> Result<(), LoadError>,
    ) -> Result<Option<(Other, Stored)>, LoadError> {
        let stored = Stored::of(self.args.stored);
        if stored.long == 0 {
            return Ok(None);
        }
        tell(&format!("filling a store with {} messages", self.args.stored));
        self.node(settings)?.0.stop()?;
        fill(stored)?;
        let node = self.node(settings)?.0;
        let people = Population::known(stored.places(self.args.size.sessions));
        Ok(Some((Other { node, people }, stored)))
    }

    /// A node that asks for tokens and limits its callers, to more than one can ask for here.
    fn guarded(&self, mut settings: Vec<(&'static str, String)>) -> Result<Other, LoadError> {
        settings.extend(GUARDED.map(|(name, value)| (name, value.to_owned())));
        let node = self.node(&settings)?.0;
        let mut command = Command::new(&self.service);
        command.env_clear().envs(settings).current_dir(self.directory.path());
        command.args(["token", "--sub=load", "--role=service", "--expires-in=1d", "--tenant", stored::TENANT]);
        let header = format!("Authorization: Bearer {}", programs::output(&mut command, "")?.trim());
        let shape = Shape { sessions: self.args.size.sessions, tenants: 1, filled: true };
        let people = load::runtime()?.block_on(Population::settle(node.target(), shape, vec![header]))?;
        Ok(Other { node, people })
    }

    fn two_nodes(&self, node: &Server, database: &Database, people: &Population) -> Result<String, LoadError> {
        let other = self.node(&self.on(database))?.0;
        let redis = self.args.redis_url.as_deref();
        let both = TwoNodes { nodes: [node, &other], database, redis, people, size: &self.args.size };
        let (mut creates, mut lists) = (Vec::new(), Vec::new());
        for round in 1..=self.args.rounds {
            tell(&format!("two nodes, round {round} of {}", self.args.rounds));
            let [create, list] = both.measure()?;
            creates.push(create);
            lists.push(list);
        }
        other.stop()?;
        let lines = [Shares::median(&creates), Shares::median(&lists)].into_iter().flatten();
        Ok(lines.fold(Shares::HEADING.to_owned(), |table, line| table + &line.to_string()))
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
        settings.push(("REDIS_PREFIX", database.name().to_owned()));
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
