//! What a process takes, as Linux tells it. Elsewhere nothing is told, and the rows are left out.

use std::fs;

/// Resident memory of a process, in MiB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Memory {
    /// Now.
    pub(super) now: f64,
    /// The most that it ever was.
    pub(super) peak: f64,
}

impl Memory {
    /// Of the process with this id.
    pub(super) fn of(process: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{process}/status")).ok()?)
    }

    fn parse(status: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(f64::from(kib) / 1024.0)
        };
        Some(Self { now: field("VmRSS:")?, peak: field("VmHWM:")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_in_mebibytes() {
        let status = "Name:\tchat-service\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\nThreads:\t5\n";
        assert_eq!(Memory::parse(status), Some(Memory { now: 10.0, peak: 20.0 }));
        assert_eq!(Memory::parse("Name:\tzombie\n"), None);
    }
}
