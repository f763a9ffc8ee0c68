//! Databases that come and go with the benchmark, and pgbench on one of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use url::Url;

use super::programs::{find, output};
use super::tell;
use crate::cli::Size;
use crate::error::LoadError;
use crate::stored::Stored;

const SEED: &str = include_str!("../../sql/seed.sql");
const WRITE: &str = include_str!("../../sql/write.pgbench.sql");
const READ: &str = include_str!("../../sql/read.pgbench.sql");
const STORED: &str = include_str!("../../sql/stored.postgres.sql");

/// A database of its own. Dropped with this value.
#[derive(Debug)]
pub(super) struct Database {
    server: Url,
    name: String,
    psql: PathBuf,
}

impl Database {
    /// Makes a database on a server that writes durably.
    ///
    /// # Errors
    /// Also where `fsync` or `synchronous_commit` are off: what that gives is no measure of anything.
    pub(super) fn create(server: &Url, purpose: &str) -> Result<Self, LoadError> {
        let name = format!("chat_load_{purpose}_{}", std::process::id());
        let database = Self { server: server.clone(), name, psql: find("psql")? };
        let durable =
            database.psql(server, "SELECT current_setting('fsync'), current_setting('synchronous_commit')")?;
        if durable.trim() != "on|on" {
            return Err(LoadError::failed("fsync and synchronous_commit of this PostgreSQL must be on"));
        }
        database.psql(server, &format!("CREATE DATABASE {}", database.name))?;
        Ok(database)
    }

    /// What it is called on its server.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its URL.
    pub(super) fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.into()
    }

    /// What one question is answered with.
    pub(super) fn ask(&self, question: &str) -> Result<String, LoadError> {
        self.psql(self.url(), question)
    }

    /// Fills the tables that the service has made.
    pub(super) fn fill(&self, stored: Stored) -> Result<(), LoadError> {
        let Stored { long, others } = stored;
        self.psql(self.url(), &format!("\\set long {long}\n\\set others {others}\n{STORED}")).map(drop)
    }

    fn psql(&self, url: impl AsRef<str>, statements: &str) -> Result<String, LoadError> {
        let mut command = Command::new(&self.psql);
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        output(command.arg("--dbname").arg(url.as_ref()), statements)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let dropped = self.psql(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        if let Err(error) = dropped {
            tell(&format!("the database {} is left behind: {error}", self.name));
        }
    }
}

/// pgbench on a database that holds what the service made, many times.
#[derive(Debug)]
pub(super) struct Yardstick {
    pgbench: PathBuf,
    url: String,
    size: Size,
    write: PathBuf,
    read: PathBuf,
}

impl Yardstick {
    /// Copies the one session of the database until there are as many as the service has.
    pub(super) fn seed(database: &Database, size: &Size, directory: &Path) -> Result<Self, LoadError> {
        database.psql(database.url(), &format!("\\set sessions {}\n{SEED}", size.sessions))?;
        let file = |name: &str, script: &str| {
            let path = directory.join(name);
            fs::write(&path, script).map_err(|source| LoadError::io("cannot write a script", source))?;
            Ok::<_, LoadError>(path)
        };
        Ok(Self {
            pgbench: find("pgbench")?,
            url: database.url(),
            size: *size,
            write: file("write.sql", WRITE)?,
            read: file("read.sql", READ)?,
        })
    }

    /// Messages written a second, each by a statement of its own.
    pub(super) fn write(&self) -> Result<f64, LoadError> {
        self.run(&self.write, self.size.seconds)
    }

    /// Pages of fifty messages read a second.
    pub(super) fn read(&self) -> Result<f64, LoadError> {
        self.run(&self.read, self.size.seconds)
    }

    /// pgbench counts whole seconds. It needs no warm-up of its own: it counts from when all have connected.
    fn run(&self, script: &Path, length: Duration) -> Result<f64, LoadError> {
        let seconds = length.as_secs().max(1).to_string();
        let clients = self.size.connections.to_string();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = threads.min(self.size.connections).to_string();
        let mut command = Command::new(&self.pgbench);
        command.args(["--no-vacuum", "--protocol=prepared", "--client", &clients, "--jobs", &threads]);
        command.args(["--time", &seconds, "--define", &format!("sessions={}", self.size.sessions), "--file"]);
        rate(&output(command.arg(script).arg(&self.url), "")?)
    }
}

/// Takes the rate out of pgbench's report, and refuses a report of failures.
fn rate(report: &str) -> Result<f64, LoadError> {
    let field = |name: &str| report.lines().find_map(|line| line.strip_prefix(name));
    let failed = field("number of failed transactions: ").is_some_and(|line| !line.starts_with("0 "));
    let rate = field("tps = ").and_then(|line| line.split(' ').next()?.parse().ok());
    rate.filter(|_| !failed).ok_or_else(|| LoadError::failed("pgbench reports failures, or no rate"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{CONTENT, PAGE};

    #[test]
    fn the_rate_is_found_in_the_report() {
        let report = "transaction type: write.sql\nnumber of failed transactions: 0 (0.000%)\n\
                      latency average = 6.1 ms\ntps = 10480.25 (without initial connection time)\n";
        assert!((rate(report).unwrap() - 10480.25).abs() < 1e-9);
        assert!(rate(&report.replace("transactions: 0", "transactions: 3")).is_err());
        assert!(rate("pgbench: nothing").is_err());
    }

    #[test]
    fn the_scripts_do_what_the_load_does() {
        assert!(WRITE.contains(CONTENT));
        assert!(READ.contains(&format!("LIMIT {}", PAGE + 1)));
        assert!(STORED.contains(CONTENT));
    }
}
