//! Cases that are held against something else than the service: the store by itself, or a bare handler.

use std::path::Path;

use super::{Course, People, Yardsticks};
use crate::bench::measure::Side;
use crate::bench::server::Server;
use crate::bench::sheet::{Bar, Measured, Sheet, Unit};
use crate::bench::turns::{Take, in_turn};
use crate::bench::{API, this_program};
use crate::case::Case;
use crate::cli::Size;
use crate::error::LoadError;
use crate::load::millis;
use crate::sqlite_commits;

/// How a list must stand to a bare handler.
pub(super) const BARE: Bar = Bar::AtLeast(0.4, 0.65);

impl Course<'_> {
    pub(super) fn create(&self, round: usize, people: &People, sheet: &mut Sheet) -> Result<(), LoadError> {
        let this = || self.closed(self.size, Case::Create, &people.spread);
        let name = "create message";
        let highest = match self.yardsticks {
            Yardsticks::Pgbench(pgbench) => {
                let pgbench = || pgbench.write();
                self.in_turn(round, (name, &this), ("pgbench, one by one", &pgbench, Bar::AtLeast(1.5, 3.0)), sheet)?
            }
            Yardsticks::Sqlite(file, _) => {
                let one_by_one = || sqlite_commits::run(file, self.size.seconds);
                self.in_turn(round, (name, &this), ("one by one", &one_by_one, Bar::AtLeast(4.0, 10.0)), sheet)?
            }
        };
        self.at_half_load("create at half load, p99", Case::Create, highest, people, sheet)
    }

    pub(super) fn list(&self, round: usize, people: &People, sheet: &mut Sheet) -> Result<(), LoadError> {
        let name = "list 50 messages";
        let half = "list at half load, p99";
        match self.yardsticks {
            Yardsticks::Pgbench(pgbench) => {
                let this = || self.closed(self.size, Case::List, &people.spread);
                let pgbench = || pgbench.read();
                let against = ("pgbench, read of 50", &pgbench as _, Bar::AtLeast(1.5, 4.0));
                let highest = self.in_turn(round, (name, &this), against, sheet)?;
                self.at_half_load(half, Case::List, highest, people, sheet)
            }
            Yardsticks::Sqlite(_, directory) => {
                let bare = self.bare(Case::List, people, directory)?;
                let [highest, its] = self.beside_bare(round, name, Case::List, people, &bare, sheet)?;
                self.at_half_load(half, Case::List, highest, people, sheet)?;
                self.bare_at_half_load(its, people, &bare, sheet)
            }
        }
    }

    pub(super) fn other_reads(&self, round: usize, people: &People, sheet: &mut Sheet) -> Result<(), LoadError> {
        for (name, case) in [("session with 50 messages", Case::Session), ("user's sessions", Case::UserSessions)] {
            match self.yardsticks {
                Yardsticks::Pgbench(_) => {
                    let rate = self.closed(self.size, case, &people.spread)?;
                    sheet.note(self.store, Measured::new(name, Unit::PerSecond, rate));
                }
                Yardsticks::Sqlite(_, directory) => {
                    let bare = self.bare(case, people, directory)?;
                    self.beside_bare(round, name, case, people, &bare, sheet)?;
                }
            }
        }
        Ok(())
    }

    /// Measures a case in turn with its yardstick; the case's figure.
    fn in_turn(
        &self,
        round: usize,
        (name, this): (&'static str, Take<'_, f64>),
        (against, other, bar): (&'static str, Take<'_, f64>, Bar),
        sheet: &mut Sheet,
    ) -> Result<f64, LoadError> {
        let [figure, yardstick] = in_turn(round, [this, other])?;
        let measured = Measured::new(name, Unit::PerSecond, figure);
        sheet.note(self.store, measured.against(against, yardstick).bar(bar));
        Ok(figure)
    }

    /// The same with a bare handler; both figures.
    fn beside_bare(
        &self,
        round: usize,
        name: &'static str,
        case: Case,
        people: &People,
        bare: &Server,
        sheet: &mut Sheet,
    ) -> Result<[f64; 2], LoadError> {
        let sides = [self.node, bare].map(|server| Side { target: server.target(), people: &people.spread });
        let takes = sides.map(|side| move || side.closed(self.size, case));
        let [figure, its] = in_turn(round, takes.each_ref().map(|take| take as _))?;
        let measured = Measured::new(name, Unit::PerSecond, figure);
        sheet.note(self.store, measured.against("bare handler", its).bar(BARE));
        Ok([figure, its])
    }

    /// The 99th percentile against the median, in an open loop at half of what the closed one just gave.
    fn at_half_load(
        &self,
        name: &'static str,
        case: Case,
        highest: f64,
        people: &People,
        sheet: &mut Sheet,
    ) -> Result<(), LoadError> {
        let measured = tail(name, self.side(&people.spread), self.size, case, highest)?;
        sheet.note(self.store, measured.bar(Bar::AtMost(5.0, 3.0)));
        Ok(())
    }

    /// What this machine does to a handler that has nothing to do.
    fn bare_at_half_load(
        &self,
        highest: f64,
        people: &People,
        bare: &Server,
        sheet: &mut Sheet,
    ) -> Result<(), LoadError> {
        let side = Side { target: bare.target(), people: &people.spread };
        let name = "bare handler at half load, p99";
        sheet.note(self.store, tail(name, side, self.size, Case::List, highest)?);
        Ok(())
    }

    /// A handler that sends what the node answers to this case, asked in the same way.
    pub(super) fn bare(&self, case: Case, people: &People, directory: &Path) -> Result<Server, LoadError> {
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
}

/// The 99th percentile and, in the same run, the median.
fn tail(name: &'static str, side: Side<'_>, size: &Size, case: Case, highest: f64) -> Result<Measured, LoadError> {
    let summary = side.send(size, case, Some(highest / 2.0))?;
    let measured = Measured::new(name, Unit::Milliseconds, millis(summary.p99));
    Ok(measured.against("p50", millis(summary.p50)))
}
