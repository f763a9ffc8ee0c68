//! What became of a case, as a line of a table.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::case::Case;
use crate::failure::Outcome;
use crate::stage::{Seen, Stage};

/// Lines of each log that are shown of a case that failed.
const LINES: usize = 40;

/// One line.
#[derive(Debug, Clone)]
pub struct Row {
    case: Case,
    cells: [String; 6],
    /// Why it failed; empty where it passed.
    broken: Vec<String>,
    logs: String,
}

impl Row {
    /// The head of the table, in Markdown.
    pub const HEAD: &str = "| fault | store | ok / failed / unknown | expected | seen | |\n|---|---|---|---|---|---|\n";

    pub(crate) fn new(case: Case, stage: &Stage, played: Outcome) -> Self {
        let seen = stage.seen();
        let mut broken = seen.broken.clone();
        if let Err(failure) = played {
            broken.push(failure.chain());
        }
        let tally = stage.recorder().tally();
        broken.extend((!broken.is_empty()).then(|| stage.recorder().silences()).into_iter().flatten());
        let logs = if broken.is_empty() { String::new() } else { logs(stage.directory()) };
        let cells = [
            case.fault.to_owned(),
            case.store.to_string(),
            format!("{} / {} / {}", tally.ok, tally.failed, tally.unknown),
            case.expected.to_owned(),
            told(seen, tally.slowest),
            if broken.is_empty() { "pass" } else { "**FAIL**" }.to_owned(),
        ];
        Self { case, cells, broken, logs }
    }

    /// A case that could not even begin.
    pub(crate) fn without_stage(case: Case, why: String) -> Self {
        let cells = [case.fault, case.store.name(), "", case.expected, "", "**FAIL**"].map(str::to_owned);
        Self { case, cells, broken: vec![why], logs: String::new() }
    }

    /// Whether every promise was kept.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.broken.is_empty()
    }

    /// What was broken, and the last words of every process; empty where the case passed.
    #[must_use]
    pub fn complaint(&self) -> String {
        if self.passed() {
            return String::new();
        }
        let broken = self.broken.join("\n  ");
        format!("{:?} failed:\n  {broken}\n  seen: {}\n{}", self.case, self.cells.join(" | "), self.logs)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.cells.join(" | "))
    }
}

/// What was seen, in words.
fn told(seen: &Seen, slowest: Duration) -> String {
    let mut told = vec![format!("slowest answer {slowest:.1?}")];
    told.extend(seen.back.map(|back| format!("back in {back:.1?}")));
    told.extend(seen.added.map(|added| format!("+{added:.1?} at the 99th percentile")));
    told.extend(seen.struck.map(|struck| format!("+{struck:.1?} to the slowest read as Redis failed")));
    told.extend(seen.growth.map(|growth| format!("memory +{growth:.0} MiB")));
    let queues: Vec<_> = seen.queues.iter().map(|(queue, longest)| format!("{queue} {longest}")).collect();
    told.extend((!queues.is_empty()).then(|| format!("at most {}", queues.join(", "))));
    told.extend(seen.notes.iter().cloned());
    told.join(", ")
}

/// The ends of all logs.
fn logs(directory: &Path) -> String {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut logs: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect();
    logs.sort();
    let ends = logs.iter().map(|log| format!("--- the end of {}\n{}\n", log.display(), end(log)));
    ends.collect::<Vec<_>>().concat()
}

/// The last lines that are no accesses that went well.
fn end(log: &Path) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let telling = |line: &&str| !(line.contains("\"status\":20") || line.contains("\"status\":404"));
    let lines: Vec<_> = text.lines().filter(telling).collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}
