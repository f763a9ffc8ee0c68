//! One process of the service, which may be killed and started again.

use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::failure::{Failure, Outcome};
use crate::process::{Process, TICK};

/// A node listens within this time, or the case fails; generous, since a busy machine may start many.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where a node is, for those who ask it: its address changes with each start, and there is none while it is down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Address(Arc<Place>);

#[derive(Debug, Default)]
struct Place {
    at: Mutex<Option<String>>,
    asked_to_end: AtomicBool,
}

/// A node, running or not.
#[derive(Debug)]
pub(crate) struct Node {
    name: String,
    program: PathBuf,
    directory: PathBuf,
    environment: Vec<(String, String)>,
    /// The soft limit of open files that it is started with; the suite's own where there is none.
    files: Option<u32>,
    process: Option<Process>,
    address: Address,
    /// Whether it was ever killed, or asked to end.
    harmed: bool,
}

impl Address {
    /// As `http://127.0.0.1:port`; `None` while the node is known to be down.
    pub(crate) fn get(&self) -> Option<String> {
        self.0.at.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The address of a node that has to be up.
    pub(crate) fn known(&self) -> Outcome<String> {
        self.get().ok_or_else(|| Failure::other("the node is down"))
    }

    fn set(&self, address: Option<String>) {
        *self.0.at.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// Whether the node there was ever asked to end: such a one may turn clients away unheard.
    pub(crate) fn was_asked_to_end(&self) -> bool {
        self.0.asked_to_end.load(Ordering::SeqCst)
    }
}

impl Node {
    /// A node that does not run yet. It works in this directory, and its log goes there too.
    pub(crate) fn new(name: String, program: PathBuf, directory: PathBuf, environment: Vec<(String, String)>) -> Self {
        let address = Address::default();
        Self { name, program, directory, environment, files: None, process: None, address, harmed: false }
    }

    pub(crate) fn address(&self) -> Address {
        self.address.clone()
    }

    /// Sets a variable for the next start.
    pub(crate) fn set(&mut self, variable: &str, value: impl Into<String>) {
        self.environment.retain(|(name, _)| name != variable);
        self.environment.push((variable.to_owned(), value.into()));
    }

    /// Has it started with this soft limit of open files, whatever the hard one is.
    pub(crate) const fn allow_files(&mut self, soft: u32) {
        self.files = Some(soft);
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join(format!("{}.log", self.name))
    }

    /// Starts it on a port of its own choice, without waiting for anything. Nothing of this process's own settings
    /// reaches it.
    pub(crate) fn launch(&mut self) -> Outcome {
        let mut command = self.command();
        command.env_clear().current_dir(&self.directory);
        command.envs(self.environment.iter().cloned()).env("PORT", "0");
        self.process = Some(Process::start(command, &self.name, &self.log())?);
        Ok(())
    }

    /// A shell sets the limit and becomes the program, so that nobody else's limits change.
    fn command(&self) -> Command {
        let Some(files) = self.files else { return Command::new(&self.program) };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("ulimit -S -n {files} && exec \"$0\"")]).arg(&self.program);
        command
    }

    /// Starts it, and waits until it listens.
    pub(crate) async fn start(&mut self) -> Outcome {
        let before = std::fs::metadata(self.log()).map_or(0, |file| file.len());
        self.launch()?;
        self.listening(before).await
    }

    /// Waits until it listens, as the part of its log behind this place tells.
    pub(crate) async fn listening(&mut self, before: u64) -> Outcome {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(address) = listening_at(&self.log(), before) {
                self.address.set(Some(format!("http://{address}")));
                return Ok(());
            }
            if let Some(status) = self.process.as_mut().map(Process::ended).transpose()?.flatten() {
                return Err(Failure::other(format!("{} ended while it started: {status}", self.name)));
            }
            if Instant::now() > until {
                return Err(Failure::InVain(format!("{} to listen", self.name)));
            }
            sleep(TICK).await;
        }
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.harmed = true;
        // The address stays known until it has changed: clients learn of the end by being refused.
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Sends its clients elsewhere, as a balancer does, until it is started again.
    pub(crate) fn hide(&self) {
        self.address.set(None);
    }

    /// Asks it to end.
    pub(crate) fn terminate(&mut self) -> Outcome {
        self.harmed = true;
        self.address.0.asked_to_end.store(true, Ordering::SeqCst);
        self.process.as_ref().map_or(Ok(()), |process| process.signal(Signal::TERM))
    }

    /// Waits for its end.
    pub(crate) async fn end(&mut self, patience: Duration) -> Outcome<ExitStatus> {
        let process = self.process.as_mut().ok_or_else(|| Failure::other("the node does not run"))?;
        process.end(patience).await
    }

    /// Whether the suite has ever killed it, or asked it to end: one that was left alone owes every client an answer.
    pub(crate) const fn was_harmed(&self) -> bool {
        self.harmed
    }

    /// Whether it runs: a node must not end by itself.
    pub(crate) fn runs(&mut self) -> Outcome<bool> {
        match &mut self.process {
            Some(process) => Ok(process.ended()?.is_none()),
            None => Ok(false),
        }
    }

    pub(crate) fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }
}

/// The address that the log names behind this place.
fn listening_at(log: &PathBuf, before: u64) -> Option<String> {
    let text = std::fs::read(log).ok()?;
    let new = text.get(usize::try_from(before).ok()?..)?;
    let lines = new.split(|byte| *byte == b'\n');
    let events = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let mut listening = events.filter(|event| event.get("message").and_then(Value::as_str) == Some("listening"));
    listening.next()?.get("address")?.as_str().map(str::to_owned)
}
