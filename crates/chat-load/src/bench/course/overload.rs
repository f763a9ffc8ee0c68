//! More than can be served, once all else is measured: thousands of connections are memory that no other case needs.

use super::alone::BARE;
use super::{Course, People, Yardsticks};
use crate::bench::measure::{Side, crowd, half};
use crate::bench::sheet::{Bar, Measured, Sheet, Unit};
use crate::bench::tell;
use crate::bench::turns::in_turn;
use crate::case::Case;
use crate::cli::Size;
use crate::error::LoadError;
use crate::load::Summary;

/// How what is served of too much must stand to what is served of as much as goes.
const FULL: Bar = Bar::AtLeast(0.9, 1.0);

impl Course<'_> {
    /// What is offered is twice of what the closed loop gave when it was taken last, so that the order can turn.
    pub(super) fn overload(&self, rounds: usize, people: &People, sheet: &mut Sheet) -> Result<(), LoadError> {
        let crowd = crowd(self.size);
        let mut creates = self.closed(&half(self.size), Case::Create, &people.spread)?;
        let mut lists = self.closed(&half(self.size), Case::List, &people.spread)?;
        for round in 1..=rounds {
            tell(&format!("{}, twice the load, round {round} of {rounds}", self.store));
            creates = self.creates(round, creates * 2.0, &crowd, people, sheet)?;
            lists = self.lists(round, lists * 2.0, &crowd, people, sheet)?;
        }
        Ok(())
    }

    /// Messages offered at this rate; the highest rate of a closed loop beside it.
    fn creates(
        &self,
        round: usize,
        rate: f64,
        crowd: &Size,
        people: &People,
        sheet: &mut Sheet,
    ) -> Result<f64, LoadError> {
        let side = self.side(&people.spread);
        let few = || side.send(self.size, Case::Create, None);
        let twice = || side.overload(crowd, Case::Create, Some(rate));
        let [few, twice] = in_turn(round, [&few, &twice])?;
        self.offered("create, twice as much offered", rate, &twice, sheet);
        let measured = Measured::new("create, twice as much offered", Unit::PerSecond, twice.rate);
        sheet.note(self.store, measured.against("highest load", few.rate).bar(FULL));
        Ok(few.rate)
    }

    /// The same for lists. What a crowd of connections costs is mostly what its sockets cost, as the bare handler shows.
    fn lists(
        &self,
        round: usize,
        rate: f64,
        crowd: &Size,
        people: &People,
        sheet: &mut Sheet,
    ) -> Result<f64, LoadError> {
        let side = self.side(&people.spread);
        let few = || side.send(self.size, Case::List, None);
        let twice = || side.overload(crowd, Case::List, Some(rate));
        let many = || side.overload(crowd, Case::List, None);
        let ([few, twice, many], bare) = match self.yardsticks {
            Yardsticks::Pgbench(_) => (in_turn(round, [&few, &twice, &many])?, None),
            Yardsticks::Sqlite(_, directory) => {
                let bare = self.bare(Case::List, people, directory)?;
                let its = Side { target: bare.target(), people: &people.spread };
                let its = || its.send(crowd, Case::List, None);
                let [few, twice, many, bare] = in_turn(round, [&few, &twice, &many, &its])?;
                ([few, twice, many], Some(bare))
            }
        };
        self.offered("list, twice as much offered", rate, &twice, sheet);
        for (name, against, yardstick) in [
            ("list, twice as much offered", "highest load", &few),
            ("list, twice as much, same connections", "highest load of as many", &many),
        ] {
            let measured = Measured::new(name, Unit::PerSecond, twice.rate);
            sheet.note(self.store, measured.against(against, yardstick.rate).bar(FULL));
        }
        if let Some(bare) = bare {
            let measured = Measured::new("list, a crowd of connections", Unit::PerSecond, many.rate);
            sheet.note(self.store, measured.against("bare handler", bare.rate).bar(BARE));
        }
        Ok(few.rate)
    }

    fn offered(&self, case: &'static str, rate: f64, summary: &Summary, sheet: &mut Sheet) {
        sheet.offers.note(self.store, case, rate, summary);
    }
}
