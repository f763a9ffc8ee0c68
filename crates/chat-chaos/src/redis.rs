//! A Redis of one case, which listens at a socket file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::failure::{Failure, Outcome};
use crate::process::Process;
use crate::programs::Programs;
use crate::wait::until;

const PATIENCE: Duration = Duration::from_secs(30);

/// A Redis, running or not.
#[derive(Debug)]
pub(crate) struct Redis {
    process: Option<Process>,
    program: PathBuf,
    log: PathBuf,
    directory: TempDir,
}

impl Redis {
    /// One that does not run yet. The log goes to this file.
    pub(crate) fn stopped(programs: &Programs, log: PathBuf) -> Outcome<Self> {
        let directory = tempfile::Builder::new().prefix("chaos-").tempdir_in("/tmp");
        let directory = directory.map_err(Failure::io("a directory for Redis"))?;
        Ok(Self { process: None, program: programs.redis().to_owned(), log, directory })
    }

    /// The socket file.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("redis")
    }

    /// Starts it, and waits until it answers.
    pub(crate) async fn start(&mut self) -> Outcome {
        let mut command = Command::new(&self.program);
        command.current_dir(self.directory.path()).args(["--port", "0", "--save", "", "--appendonly", "no"]);
        command.arg("--unixsocket").arg(self.socket());
        self.process = Some(Process::start(command, "redis-server", &self.log)?);
        until("Redis", PATIENCE, async || Ok(self.command("PING").await.is_ok())).await
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Holds it still: it keeps its connections and answers nothing.
    pub(crate) fn freeze(&self) -> Outcome {
        self.process.as_ref().map_or(Ok(()), |process| process.signal(Signal::STOP))
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) -> Outcome {
        self.process.as_ref().map_or(Ok(()), |process| process.signal(Signal::CONT))
    }

    /// Sends one command without spaces in its words, and gives the first line of the answer.
    pub(crate) async fn command(&self, command: &str) -> Outcome<String> {
        let answer = ask(&self.socket(), command).await.map_err(Failure::io("Redis does not answer"))?;
        let line = answer.lines().next().unwrap_or_default();
        if line.starts_with('-') || line.is_empty() {
            return Err(Failure::other(format!("Redis answers {command} with {line}")));
        }
        Ok(line.to_owned())
    }
}

/// Sends one command and reads all that comes of it.
async fn ask(socket: &Path, command: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
