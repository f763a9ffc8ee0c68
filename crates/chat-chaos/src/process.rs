//! A process of the suite's own: its output goes to a file, and it does not outlive what started it.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::time::{Instant, sleep};

use crate::failure::{Failure, Outcome};

/// Between two looks at something that is waited for.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// A process that runs, or has ended.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
    /// What it is told when it is dropped. Whatever this is, it must end the process without fail.
    farewell: Signal,
}

impl Process {
    /// Starts it, without input, and with its output at the end of this file.
    pub(crate) fn start(mut command: Command, name: &str, log: &Path) -> Outcome<Self> {
        let file = File::options().create(true).append(true).open(log);
        let file = file.map_err(Failure::io(format!("cannot write {}", log.display())))?;
        let copy = file.try_clone().map_err(Failure::io("a second handle on a log"))?;
        let child = command.stdin(Stdio::null()).stdout(file).stderr(copy).spawn();
        let child = child.map_err(Failure::io(format!("cannot start {name}")))?;
        Ok(Self { child, name: name.to_owned(), farewell: Signal::KILL })
    }

    /// The same, but told this in the end.
    pub(crate) fn with_farewell(mut self, signal: Signal) -> Self {
        self.farewell = signal;
        self
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) -> Outcome {
        let name = &self.name;
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Failure::other(format!("{name} has no process id")))?;
        kill_process(pid, signal).map_err(|error| Failure::io(format!("{name} takes no signal"))(error.into()))
    }

    /// Its status, where it has ended.
    pub(crate) fn ended(&mut self) -> Outcome<Option<ExitStatus>> {
        self.child.try_wait().map_err(Failure::io(format!("{} cannot be waited for", self.name)))
    }

    /// Waits for its end.
    pub(crate) async fn end(&mut self, patience: Duration) -> Outcome<ExitStatus> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() > until {
                return Err(Failure::InVain(format!("the end of {}", self.name)));
            }
            sleep(TICK).await;
        }
    }

    /// As `kill -9` does: no warning, no clean end.
    pub(crate) fn kill(mut self) {
        self.farewell = Signal::KILL;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            _ = self.signal(self.farewell);
            // One that was stopped hears nothing but SIGKILL.
            _ = self.signal(Signal::CONT);
            _ = self.child.wait();
        }
    }
}

/// Lets this process open so many files.
pub(crate) fn allow_files(many: usize) -> Outcome {
    let many = many as u64;
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|now| now >= many) {
        return Ok(());
    }
    let limit = Rlimit { current: Some(many.min(now.maximum.unwrap_or(many))), maximum: now.maximum };
    setrlimit(Resource::Nofile, limit).map_err(|error| Failure::io("more open files")(error.into()))
}
