//! What is measured on a store, in which order, against what; and the bars.

use std::path::Path;
use std::time::Duration;

use super::beside::{Beside, Plain};
use super::measure::{closed, crowd, overload, send};
use super::postgres::Yardstick;
use super::series::harmonic_mean;
use super::server::Server;
use super::sheet::{Bar, Measured, Sheet, Unit};
use super::{API, settle, tell, this_program};
use crate::case::Case;
use crate::cli::Size;
use crate::error::LoadError;
use crate::load::millis;
use crate::population::{Population, Shape};
use crate::sqlite_commits;

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
            let create = self.create(&people, sheet)?;
            let list = self.list(&people, sheet)?;
            self.other_reads(&people, sheet)?;
            self.other_writes(&people, create, list, sheet)?;
            self.beside.measure(self.store, self.size, Plain { create, list }, sheet)?;
            self.at_half_load("create at half load, p99", Case::Create, create, &people, sheet)?;
            self.at_half_load("list at half load, p99", Case::List, list, &people, sheet)?;
            if let Yardsticks::Sqlite(_, directory) = self.yardsticks {
                self.bare_at_half_load(&people, directory, sheet)?;
            }
        }
        if let Some(memory) = self.node.memory() {
            let measured = Measured::new("memory, most under load", Unit::Mebibytes, memory.peak);
            sheet.note(self.store, measured.bar(Bar::AtMost(150.0, 80.0)));
        }
        self.overload(&people, rounds, sheet)?;
        if let Some(memory) = self.node.memory() {
            sheet.note(self.store, Measured::new("memory, most under twice the load", Unit::Mebibytes, memory.peak));
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

    fn create(&self, people: &People, sheet: &mut Sheet) -> Result<f64, LoadError> {
        let rate = self.closed(Case::Create, &people.spread)?;
        let measured = Measured::new("create message", Unit::PerSecond, rate);
        let measured = match self.yardsticks {
            Yardsticks::Pgbench(pgbench) => {
                measured.against("pgbench, one by one", pgbench.write()?).bar(Bar::AtLeast(1.5, 3.0))
            }
            Yardsticks::Sqlite(file, _) => {
                let one_by_one = sqlite_commits::run(file, self.size.seconds)?;
                measured.against("one by one", one_by_one).bar(Bar::AtLeast(4.0, 10.0))
            }
        };
        sheet.note(self.store, measured);
        Ok(rate)
    }

    fn list(&self, people: &People, sheet: &mut Sheet) -> Result<f64, LoadError> {
        let rate = self.closed(Case::List, &people.spread)?;
        let measured = Measured::new("list 50 messages", Unit::PerSecond, rate);
        let measured = match self.yardsticks {
            Yardsticks::Pgbench(pgbench) => {
                measured.against("pgbench, read of 50", pgbench.read()?).bar(Bar::AtLeast(1.5, 4.0))
            }
            Yardsticks::Sqlite(_, directory) => {
                self.beside_bare(measured, Case::List, people, (self.size, directory))?
            }
        };
        sheet.note(self.store, measured);
        Ok(rate)
    }

    fn other_reads(&self, people: &People, sheet: &mut Sheet) -> Result<(), LoadError> {
        for (name, case) in [("session with 50 messages", Case::Session), ("user's sessions", Case::UserSessions)] {
            let measured = Measured::new(name, Unit::PerSecond, self.closed(case, &people.spread)?);
            let measured = match self.yardsticks {
                Yardsticks::Pgbench(_) => measured,
                Yardsticks::Sqlite(_, directory) => self.beside_bare(measured, case, people, (self.size, directory))?,
            };
            sheet.note(self.store, measured);
        }
        Ok(())
    }

    /// Held against what the plain cases gave in this round.
    fn other_writes(&self, people: &People, create: f64, list: f64, sheet: &mut Sheet) -> Result<(), LoadError> {
        let mixed = Measured::new("80 % list, 20 % create", Unit::PerSecond, self.closed(Case::Mixed, &people.spread)?);
        let mean = harmonic_mean(&[(0.8, list), (0.2, create)]);
        sheet.note(self.store, mixed.against("harmonic mean", mean).bar(Bar::AtLeast(0.8, 1.0)));

        let tenants =
            Measured::new("create, a tenant each", Unit::PerSecond, self.closed(Case::Create, &people.tenants)?);
        sheet.note(self.store, tenants.against("one tenant", create).bar(Bar::AtLeast(0.9, 1.0)));

        let single = Measured::new("create, one session", Unit::PerSecond, self.closed(Case::Create, &people.single)?);
        sheet.note(self.store, single.against("spread out", create).bar(Bar::AtLeast(0.7, 1.0)));
        Ok(())
    }

    /// More than can be served, once all else is measured: thousands of connections are memory that no other case needs.
    fn overload(&self, people: &People, rounds: usize, sheet: &mut Sheet) -> Result<(), LoadError> {
        let crowd = crowd(self.size);
        for round in 1..=rounds {
            tell(&format!("{}, twice the load, round {round} of {rounds}", self.store));
            let create = self.closed(Case::Create, &people.spread)?;
            let twice = Some(create * 2.0);
            let served = overload(&crowd, Case::Create, &people.spread, self.node.target(), twice)?;
            let measured = Measured::new("create, twice as much offered", Unit::PerSecond, served);
            sheet.note(self.store, measured.against("highest load", create).bar(Bar::AtLeast(0.9, 1.0)));

            self.crowd_of_lists(&crowd, people, sheet)?;
        }
        Ok(())
    }

    /// What a crowd of connections costs is mostly what its sockets cost, as the bare handler shows.
    fn crowd_of_lists(&self, crowd: &Size, people: &People, sheet: &mut Sheet) -> Result<(), LoadError> {
        let target = self.node.target();
        let few = self.closed(Case::List, &people.spread)?;
        let served = overload(crowd, Case::List, &people.spread, target, Some(few * 2.0))?;
        let measured = Measured::new("list, twice as much offered", Unit::PerSecond, served);
        sheet.note(self.store, measured.against("highest load", few).bar(Bar::AtLeast(0.9, 1.0)));

        let many = overload(crowd, Case::List, &people.spread, target, None)?;
        let measured = Measured::new("list, twice as much, same connections", Unit::PerSecond, served);
        sheet.note(self.store, measured.against("highest load of as many", many).bar(Bar::AtLeast(0.9, 1.0)));
        if let Yardsticks::Sqlite(_, directory) = self.yardsticks {
            let measured = Measured::new("list, a crowd of connections", Unit::PerSecond, many);
            sheet.note(self.store, self.beside_bare(measured, Case::List, people, (crowd, directory))?);
        }
        Ok(())
    }

    /// The 99th percentile against the median, in an open loop at half of what the closed one gave.
    fn at_half_load(
        &self,
        name: &'static str,
        case: Case,
        highest: f64,
        people: &People,
        sheet: &mut Sheet,
    ) -> Result<(), LoadError> {
        let summary = send(self.size, case, &people.spread, self.node.target(), Some(highest / 2.0))?;
        let measured = Measured::new(name, Unit::Milliseconds, millis(summary.p99));
        sheet.note(self.store, measured.against("p50", millis(summary.p50)).bar(Bar::AtMost(5.0, 3.0)));
        Ok(())
    }

    /// Held against a bare handler that sends what the node answers to this case, asked in the same way.
    fn beside_bare(
        &self,
        measured: Measured,
        case: Case,
        people: &People,
        (size, directory): (&Size, &Path),
    ) -> Result<Measured, LoadError> {
        let bare = self.bare(case, people, directory)?;
        let rate = closed(size, case, &people.spread, bare.target())?;
        Ok(measured.against("bare handler", rate).bar(Bar::AtLeast(0.4, 0.65)))
    }

    /// What this machine does to a handler that has nothing to do.
    fn bare_at_half_load(&self, people: &People, directory: &Path, sheet: &mut Sheet) -> Result<(), LoadError> {
        let bare = self.bare(Case::List, people, directory)?;
        let highest = closed(self.size, Case::List, &people.spread, bare.target())?;
        let summary = send(self.size, Case::List, &people.spread, bare.target(), Some(highest / 2.0))?;
        let measured = Measured::new("bare handler at half load, p99", Unit::Milliseconds, millis(summary.p99));
        sheet.note(self.store, measured.against("p50", millis(summary.p50)));
        Ok(())
    }

    fn bare(&self, case: Case, people: &People, directory: &Path) -> Result<Server, LoadError> {
        let place = people.spread.places().first().ok_or_else(|| LoadError::failed("there is no session"))?;
        let like = format!("{}{}", self.node.target(), case.path(place));
        let (bare, _) = Server::start(&this_program()?, &directory.join("bare.err"), API, |command, port| {
            command.args(["bare", "--port", &port.to_string(), "--like", &like]);
            for header in people.spread.headers_of(place) {
                command.args(["--header", &header]);
            }
        })?;
        Ok(bare)
    }

    fn closed(&self, case: Case, population: &Population) -> Result<f64, LoadError> {
        closed(self.size, case, population, self.node.target())
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
