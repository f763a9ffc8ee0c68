//! A process that listens: started, waited for, stopped.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::memory::Memory;
use crate::error::LoadError;
use crate::target::Target;

/// The longest that a start or a stop may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks whether it listens; what a start is measured to.
const STEP: Duration = Duration::from_millis(1);

/// A running server. Killed when it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    target: Target,
    complaints: PathBuf,
}

impl Server {
    /// Starts a program with nothing of this process's environment and waits until it answers; also how long that
    /// took. Its log is written, as it is in earnest, but to nowhere: on a disk it would stand in the way of the
    /// store's own writes. What it complains of goes to a file.
    pub(super) fn start(
        program: &Path,
        complaints: &Path,
        base: &str,
        prepare: impl FnOnce(&mut Command, u16),
    ) -> Result<(Self, Duration), LoadError> {
        let cannot = |source| LoadError::io(format!("cannot start {}", program.display()), source);
        let file = File::create(complaints).map_err(cannot)?;
        let port = free_port().map_err(cannot)?;
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        prepare(&mut command, port);
        let begin = Instant::now();
        let child = command.spawn().map_err(cannot)?;
        let mut server = Self { child, target: Target::local(port, base), complaints: complaints.to_owned() };
        server.wait_for_answer(port, begin)?;
        Ok((server, begin.elapsed()))
    }

    /// Where it listens.
    pub(super) const fn target(&self) -> &Target {
        &self.target
    }

    /// What it takes.
    pub(super) fn memory(&self) -> Option<Memory> {
        Memory::of(self.child.id())
    }

    /// Its process.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn stop(mut self) -> Result<(), LoadError> {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        asked.map_err(|source| LoadError::io("cannot run kill", source))?;
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if self.has_ended() {
                return Ok(());
            }
            pause();
        }
        Err(LoadError::failed("a server did not end within a minute of being asked to"))
    }

    fn wait_for_answer(&mut self, port: u16, begin: Instant) -> Result<(), LoadError> {
        while begin.elapsed() < PATIENCE {
            if answers(port).unwrap_or(false) {
                return Ok(());
            }
            if self.has_ended() {
                break;
            }
            pause();
        }
        let complaints = fs::read_to_string(&self.complaints).unwrap_or_default();
        let last = complaints.lines().last().unwrap_or("it says nothing");
        Err(LoadError::failed(format!("a server does not answer: {last}")))
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A port that nobody has now.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn answers(port: u16) -> io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200 "))
}

#[expect(clippy::disallowed_methods, reason = "nothing runs beside the wait for a process")]
fn pause() {
    thread::sleep(STEP);
}
