//! A PostgreSQL of one case: a cluster of its own, which listens at a socket file and may be killed.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Config, NoTls};

use crate::failure::{Failure, Outcome};
use crate::process::{Process, TICK};
use crate::programs::{Owner, Programs};
use crate::shim::Shim;

/// The role that owns the cluster, and is the suite's own.
const ADMIN: &str = "chorus";
/// The role and the database of the service.
pub(crate) const SERVICE: &str = "chat";
/// Generous: a crash recovery on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// A server that was killed may leave processes behind for a moment, and starts only after them.
const ATTEMPTS: usize = 50;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);

/// What PostgreSQL is told beyond its defaults. Durability stays as it ships: the promises are about the real thing.
const SETTINGS: [&str; 7] = [
    "listen_addresses=",
    "shared_buffers=32MB",
    "min_wal_size=2MB",
    "max_wal_size=64MB",
    "logging_collector=off",
    "lc_messages=C",
    "log_min_messages=warning",
];

/// A cluster, running or not.
#[derive(Debug)]
pub(crate) struct Postgres {
    process: Option<Process>,
    program: PathBuf,
    owner: Option<Owner>,
    settings: Vec<String>,
    shim: Option<Shim>,
    log: PathBuf,
    directory: TempDir,
}

impl Postgres {
    /// Makes a cluster with an empty database for the service, and starts it. The log goes to this file.
    pub(crate) async fn start_new(
        programs: &Programs,
        log: PathBuf,
        settings: Vec<String>,
        shim: Option<Shim>,
    ) -> Outcome<Self> {
        let owner = Owner::needed()?;
        let directory = directory(owner)?;
        let program = programs.postgres("postgres");
        let mut cluster = Self { process: None, program, owner, settings, shim, log, directory };
        cluster.make(&programs.postgres("initdb")).await?;
        cluster.start().await?;
        let admin = cluster.admin("postgres").await?;
        admin.batch_execute(&format!("CREATE ROLE {SERVICE} LOGIN")).await?;
        admin.batch_execute(&format!("CREATE DATABASE {SERVICE} OWNER {SERVICE}")).await?;
        Ok(cluster)
    }

    async fn make(&self, initdb: &Path) -> Outcome {
        let mut command = self.as_owner(initdb);
        command.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]);
        // Small pieces, so that little is enough to make the log want another one.
        command.args(["--wal-segsize=1", "--username", ADMIN]).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.map_err(|error| Failure::other(error.to_string()))?.map_err(Failure::io("no initdb"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Failure::other(format!("initdb: {}", String::from_utf8_lossy(&output.stderr).trim())))
    }

    /// The program on this cluster, as a user that may run it.
    fn as_owner(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.directory.path()).env("LC_ALL", "C");
        command.arg("-D").arg(self.directory.path().join("data"));
        if let Some(owner) = self.owner {
            command.uid(owner.user).gid(owner.group);
        }
        command
    }

    /// The socket file.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join(".s.PGSQL.5432")
    }

    /// Starts it, and waits until it takes statements.
    pub(crate) async fn start(&mut self) -> Outcome {
        let until = Instant::now() + PATIENCE;
        for _ in 0..ATTEMPTS {
            self.spawn()?;
            if self.answering(until).await? {
                return Ok(());
            }
            sleep(BETWEEN_ATTEMPTS).await;
        }
        Err(Failure::other("postgres ends whenever it is started"))
    }

    fn spawn(&mut self) -> Outcome {
        let mut command = self.as_owner(&self.program);
        command.arg("-k").arg(self.directory.path());
        command.envs(self.shim.iter().flat_map(|shim| shim.disk(self.directory.path())));
        for setting in SETTINGS.iter().copied().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let process = Process::start(command, "postgres", &self.log)?;
        // Ends at once, and takes its processes and shared memory with it.
        self.process = Some(process.with_farewell(Signal::QUIT));
        Ok(())
    }

    /// Waits for an answer; `false` where it has ended instead.
    async fn answering(&mut self, until: Instant) -> Outcome<bool> {
        loop {
            let answer = self.admin("postgres").await;
            let Err(failure) = answer else { return Ok(true) };
            if self.has_ended()? {
                return Ok(false);
            }
            if Instant::now() > until {
                return Err(failure);
            }
            sleep(TICK).await;
        }
    }

    /// Waits until it answers, and starts it where it has ended.
    pub(crate) async fn revive(&mut self) -> Outcome {
        let until = Instant::now() + PATIENCE;
        if !self.has_ended()? && self.answering(until).await? {
            return Ok(());
        }
        self.start().await
    }

    /// Whether it has ended, by itself or not.
    pub(crate) fn has_ended(&mut self) -> Outcome<bool> {
        match &mut self.process {
            Some(process) => Ok(process.ended()?.is_some()),
            None => Ok(true),
        }
    }

    /// As `kill -9` of the server's first process does; the others end when they notice.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Stops it as an operator does who does not wait for clients.
    pub(crate) async fn stop(&mut self) -> Outcome {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        process.signal(Signal::INT)?;
        process.end(PATIENCE).await.map(drop)
    }

    /// A connection of the cluster's owner, which the service's proxy does not see.
    pub(crate) async fn admin(&self, database: &str) -> Outcome<Client> {
        self.connect(ADMIN, database).await
    }

    /// A connection to the service's database.
    pub(crate) async fn connect(&self, role: &str, database: &str) -> Outcome<Client> {
        let mut config = Config::new();
        config.host_path(self.directory.path()).user(role).dbname(database).application_name("chaos");
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// A directory that the server's user can write to.
fn directory(owner: Option<Owner>) -> Outcome<TempDir> {
    // A socket file's path must be short, whatever TMPDIR says.
    let directory = tempfile::Builder::new().prefix("chaos-").tempdir_in("/tmp");
    let directory = directory.map_err(Failure::io("a directory for PostgreSQL"))?;
    if let Some(owner) = owner {
        let changed = chown(directory.path(), Some(owner.user), Some(owner.group));
        changed.map_err(Failure::io("a directory for PostgreSQL's user"))?;
    }
    Ok(directory)
}
