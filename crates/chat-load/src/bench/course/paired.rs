//! Cases that are held against the service's own plain ones. These are taken anew for each, directly beside it, and all
//! of them take half as long.

use super::{Course, People};
use crate::bench::beside::Round;
use crate::bench::measure::half;
use crate::bench::series::harmonic_mean;
use crate::bench::sheet::{Bar, Measured, Sheet, Unit};
use crate::bench::turns::in_turn;
use crate::case::Case;
use crate::error::LoadError;

impl Course<'_> {
    /// Between the two loads that it is made of.
    pub(super) fn mixed(&self, round: usize, people: &People, sheet: &mut Sheet) -> Result<(), LoadError> {
        let size = half(self.size);
        let takes =
            [Case::List, Case::Mixed, Case::Create].map(|case| move || self.closed(&size, case, &people.spread));
        let [list, mixed, create] = in_turn(round, takes.each_ref().map(|take| take as _))?;
        let measured = Measured::new("80 % list, 20 % create", Unit::PerSecond, mixed);
        let mean = harmonic_mean(&[(0.8, list), (0.2, create)]);
        sheet.note(self.store, measured.against("harmonic mean", mean).bar(Bar::AtLeast(0.8, 1.0)));
        Ok(())
    }

    pub(super) fn other_writes(&self, round: usize, people: &People, sheet: &mut Sheet) -> Result<(), LoadError> {
        let size = half(self.size);
        let rows = [
            ("create, a tenant each", &people.tenants, "one tenant", Bar::AtLeast(0.9, 1.0)),
            ("create, one session", &people.single, "spread out", Bar::AtLeast(0.7, 1.0)),
        ];
        for (name, those, against, bar) in rows {
            let takes = [those, &people.spread].map(|people| move || self.closed(&size, Case::Create, people));
            let [figure, plain] = in_turn(round, takes.each_ref().map(|take| take as _))?;
            let measured = Measured::new(name, Unit::PerSecond, figure);
            sheet.note(self.store, measured.against(against, plain).bar(bar));
        }
        Ok(())
    }

    /// The nodes that differ in one thing.
    pub(super) fn beside(&self, number: usize, people: &People, sheet: &mut Sheet) -> Result<(), LoadError> {
        let round = Round { number, store: self.store, size: &half(self.size) };
        self.beside.measure(round, self.side(&people.spread), sheet)
    }
}
