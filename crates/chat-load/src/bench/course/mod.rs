//! What is measured on a store, in which order, against what; and the bars.
//!
//! - [`alone`]: cases that are held against something else than the service.
//! - [`paired`]: cases that are held against the service's own plain ones.
//! - [`overload`]: more than can be served.

mod alone;
mod overload;
mod paired;

use std::path::Path;
use std::time::Duration;

use super::beside::Beside;
use super::measure::Side;
use super::postgres::Yardstick;
use super::server::Server;
use super::sheet::{Bar, Measured, Sheet, Unit};
use super::{settle, tell};
use crate::case::Case;
use crate::cli::Size;
use crate::error::LoadError;
use crate::load::millis;
use crate::population::{Population, Shape};

/// What a node that was just started is given to come to rest.
const REST: Duration = Duration::from_secs(1);

/// The rounds on one store.
pub(super) struct Course<'a> {
    store: &'static str,
    size: &'a Size,
    node: &'a Server,
    yardsticks: Yardsticks<'a>,
    beside: &'a Beside,
}

enum Yardsticks<'a> {
    Pgbench(&'a Yardstick),
    /// A file of its own to write to one by one, and a directory for what the bare handler complains of.
    Sqlite(&'a Path, &'a Path),
}

/// The sessions that the cases speak of.
struct People {
    /// Sessions of one tenant.
    spread: Population,
    /// As many, each in a tenant of its own.
    tenants: Population,
    /// One session, which everybody writes to.
    single: Population,
}

impl<'a> Course<'a> {
    pub(super) const fn sqlite(
        size: &'a Size,
        node: &'a Server,
        beside: &'a Beside,
        file: &'a Path,
        directory: &'a Path,
    ) -> Self {
        Self { store: "SQLite", size, node, yardsticks: Yardsticks::Sqlite(file, directory), beside }
    }

    pub(super) const fn postgres(
        store: &'static str,
        size: &'a Size,
        node: &'a Server,
        beside: &'a Beside,
        pgbench: &'a Yardstick,
    ) -> Self {
        Self { store, size, node, yardsticks: Yardsticks::Pgbench(pgbench), beside }
    }

    /// Measures everything, round by round, on a node that was just started on an empty store; the sessions that were
    /// spoken of.
    pub(super) fn run(&self, rounds: usize, sheet: &mut Sheet) -> Result<Population, LoadError> {
        rest();
        if let Some(memory) = self.node.memory() {
            let measured = Measured::new("memory at rest", Unit::Mebibytes, memory.now);
            sheet.note(self.store, measured.bar(Bar::AtMost(40.0, 20.0)));
        }
        let people = self.people()?;
        for round in 1..=rounds {
            tell(&format!("{}, round {round} of {rounds}", self.store));
            self.create(round, &people, sheet)?;
            self.list(round, &people, sheet)?;
            self.other_reads(round, &people, sheet)?;
            self.mixed(round, &people, sheet)?;
            self.other_writes(round, &people, sheet)?;
            self.beside(round, &people, sheet)?;
        }
        if let Some(memory) = self.node.memory() {
            let measured = Measured::new("memory, most under full load", Unit::Mebibytes, memory.peak);
            sheet.note(self.store, measured.bar(Bar::AtMost(150.0, 80.0)));
        }
        self.overload(rounds, &people, sheet)?;
        if let Some(memory) = self.node.memory() {
            let name = "memory, most under twice the load, thousands of connections";
            sheet.note(self.store, Measured::new(name, Unit::Mebibytes, memory.peak));
        }
        Ok(people.spread)
    }

    fn people(&self) -> Result<People, LoadError> {
        let sessions = self.size.sessions;
        Ok(People {
            spread: settle(self.node, Shape { sessions, tenants: 1, filled: true })?,
            tenants: settle(self.node, Shape { sessions, tenants: sessions, filled: false })?,
            single: settle(self.node, Shape { sessions: 1, tenants: 1, filled: false })?,
        })
    }

    fn closed(&self, size: &Size, case: Case, people: &Population) -> Result<f64, LoadError> {
        self.side(people).closed(size, case)
    }

    /// The node of the rounds, and these of its sessions.
    fn side<'p>(&'p self, people: &'p Population) -> Side<'p> {
        Side { target: self.node.target(), people }
    }
}

/// From the start of the process to its first answer.
pub(super) fn start(took: Duration) -> Measured {
    let measured = Measured::new("start to first answer, filled file", Unit::Milliseconds, millis(took));
    measured.bar(Bar::AtMost(300.0, 100.0))
}

#[expect(clippy::disallowed_methods, reason = "nothing shall run here")]
fn rest() {
    std::thread::sleep(REST);
}
