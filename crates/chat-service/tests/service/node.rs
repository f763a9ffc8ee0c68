//! One process of the service.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A node is up within this time or the test fails; generous, since many start at once on few cores.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running process. Killed when it is dropped.
pub(crate) struct Node {
    child: Child,
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    /// Where the figures are, on the same port or on one of their own.
    pub(crate) metrics_url: String,
    log: Option<JoinHandle<Vec<String>>>,
}

impl Node {
    /// Starts a node on a free port and waits until it listens.
    pub(crate) async fn start(variables: &[(&'static str, String)]) -> Self {
        Self::listening(command(), variables).await
    }

    /// Starts one as `start` does, in a shell that has been told this before.
    pub(crate) async fn start_under(told: &str, variables: &[(&'static str, String)]) -> Self {
        let mut shell = bare("sh");
        shell.arg("-c").arg(format!("{told}; exec {}", env!("CARGO_BIN_EXE_chat-service")));
        Self::listening(shell, variables).await
    }

    async fn listening(mut command: Command, variables: &[(&'static str, String)]) -> Self {
        let mut child = command.envs(variables.iter().cloned()).env("PORT", "0").spawn().unwrap();
        let (sender, receiver) = mpsc::channel();
        let out = child.stdout.take().unwrap();
        // Read to the end, so that the node never waits for a full pipe.
        let log = std::thread::spawn(move || read(out, &sender));
        let said = tokio::task::spawn_blocking(move || receiver.recv_timeout(PATIENCE)).await.unwrap();
        let (url, metrics) = said.expect("the node must say where it listens");
        let metrics_url = format!("{}/metrics", metrics.unwrap_or_else(|| url.clone()));
        Self { child, url, metrics_url, log: Some(log) }
    }

    /// Starts a node that does not come to listen, and waits for nothing.
    pub(crate) fn starting(variables: &[(&'static str, String)]) -> Self {
        let mut command = command();
        command.envs(variables.iter().cloned()).env("PORT", "0").stdout(Stdio::null());
        let child = command.spawn().unwrap();
        Self { child, url: String::new(), metrics_url: String::new(), log: None }
    }

    /// Starts a node that does not come to listen, and waits until it says this.
    pub(crate) async fn start_until(said: &'static str, variables: &[(&'static str, String)]) -> Self {
        let mut child = command().envs(variables.iter().cloned()).env("PORT", "0").spawn().unwrap();
        let (sender, receiver) = mpsc::channel();
        let out = child.stdout.take().unwrap();
        let log = std::thread::spawn(move || {
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            lines
                .inspect(|line| {
                    if line.contains(said) {
                        _ = sender.send(());
                    }
                })
                .collect()
        });
        let node = Self { child, url: String::new(), metrics_url: String::new(), log: Some(log) };
        let waited = tokio::task::spawn_blocking(move || receiver.recv_timeout(PATIENCE)).await.unwrap();
        waited.expect("the node must say so");
        node
    }

    /// Ends the node; all that it has logged.
    pub(crate) async fn whole_log(mut self) -> Vec<String> {
        self.terminate();
        let log = self.log.take().unwrap();
        assert!(self.exit().await.success());
        tokio::task::spawn_blocking(move || log.join().unwrap()).await.unwrap()
    }

    /// As `kill -9` does: no warning, no clean end.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM. By the shell's own `kill`: a bare system has no program of that name.
    pub(crate) fn terminate(&self) {
        let status = Command::new("sh").arg("-c").arg(format!("kill {}", self.child.id())).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the exit.
    pub(crate) async fn exit(mut self) -> ExitStatus {
        let waited = tokio::task::spawn_blocking(move || self.child.wait().unwrap());
        tokio::time::timeout(PATIENCE, waited).await.expect("the node must exit").unwrap()
    }
}

/// Reads the log, and tells where the node listens, for its clients and for those who want figures.
fn read(out: ChildStdout, tell: &mpsc::Sender<(String, Option<String>)>) -> Vec<String> {
    let (mut lines, mut metrics) = (Vec::new(), None);
    for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8(line).expect("a log is UTF-8");
        if line.contains("metrics listening") {
            metrics = Some(address(&line));
        } else if line.contains("listening") {
            _ = tell.send((address(&line), metrics.take()));
        }
        lines.push(line);
    }
    lines
}

/// The address in a line of either format.
fn address(line: &str) -> String {
    let (_, rest) = ["127.0.0.1:", "0.0.0.0:"].iter().find_map(|host| line.split_once(host)).unwrap();
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    format!("http://127.0.0.1:{port}")
}

impl Drop for Node {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The program with nothing of this process's own settings, away from any `.env`.
pub(crate) fn command() -> Command {
    bare(env!("CARGO_BIN_EXE_chat-service"))
}

/// A program in such surroundings.
fn bare(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(std::env::temp_dir()).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}
