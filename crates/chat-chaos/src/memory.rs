//! What a process takes, as Linux tells it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::world::World;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Looks at the memory of all nodes while it lives.
#[derive(Debug)]
pub(crate) struct MemoryWatch {
    growth: Arc<Mutex<f64>>,
    looking: JoinHandle<()>,
}

impl MemoryWatch {
    /// From what the nodes of this world take now.
    pub(crate) fn start(world: &World) -> Self {
        let growth = Arc::new(Mutex::new(0.0_f64));
        let nodes: Vec<u32> = world.nodes.iter().filter_map(crate::node::Node::process_id).collect();
        let before: Vec<_> = nodes.iter().map(|node| (*node, resident_mib(*node).unwrap_or_default())).collect();
        let most = Arc::clone(&growth);
        let looking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                for (node, before) in &before {
                    let grown = resident_mib(*node).unwrap_or_default() - before;
                    let mut most = most.lock().unwrap_or_else(PoisonError::into_inner);
                    *most = most.max(grown);
                }
            }
        });
        Self { growth, looking }
    }

    /// By how many MiB the node grew that grew most.
    pub(crate) fn growth(&self) -> f64 {
        *self.growth.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

/// Resident memory in MiB; `None` where the process is gone, or the system does not tell.
fn resident_mib(process: u32) -> Option<f64> {
    parse(&std::fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

fn parse(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kib) / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_in_mebibytes() {
        assert_eq!(parse("Name:\tx\nVmHWM:\t 4096 kB\nVmRSS:\t 2048 kB\n"), Some(2.0));
        assert_eq!(parse("Name:\tzombie\n"), None);
    }
}
