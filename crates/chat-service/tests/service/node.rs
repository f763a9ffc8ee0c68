//! One process of the service.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A node is up within this time or the test fails; generous, since many start at once on few cores.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running process. Killed when it is dropped.
pub(crate) struct Node {
    child: Child,
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
}

impl Node {
    /// Starts a node on a free port and waits until it listens.
    pub(crate) async fn start(variables: &[(&'static str, String)]) -> Self {
        let mut child = command().envs(variables.iter().cloned()).env("PORT", "0").spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // Read to the end, so that the node never waits for a full pipe.
            for line in lines.map_while(Result::ok) {
                let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                if event["message"] == "listening" {
                    _ = sender.send(event["address"].as_str().unwrap().to_owned());
                }
            }
        });
        let address = tokio::task::spawn_blocking(move || receiver.recv_timeout(PATIENCE)).await.unwrap();
        let url = format!("http://{}", address.expect("the node must say where it listens"));
        Self { child, url }
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

impl Drop for Node {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The program with nothing of this process's own settings, away from any `.env`.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-service"));
    command.env_clear().current_dir(std::env::temp_dir()).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}
