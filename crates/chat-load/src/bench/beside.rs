//! Nodes that differ from the one of the rounds in one thing, each measured in turn with it.

use super::measure::Side;
use super::server::Server;
use super::sheet::{Bar, Measured, Sheet, Unit};
use super::turns::in_turn;
use super::walk;
use crate::case::Case;
use crate::cli::Size;
use crate::error::LoadError;
use crate::population::Population;
use crate::stored::Stored;

/// One of them, and the sessions on it that are spoken of.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) node: Server,
    pub(super) people: Population,
}

/// The other nodes.
#[derive(Debug)]
pub(super) struct Beside {
    /// On a store that has grown; the sessions are among those that were stored.
    pub(super) grown: Option<(Other, Stored)>,
    /// Which asks for tokens and limits its callers.
    pub(super) guarded: Other,
}

/// A round that is measured: which, on what, how long each load takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round<'a> {
    /// Its number.
    pub(super) number: usize,
    /// What the service stores in.
    pub(super) store: &'static str,
    /// Of each load.
    pub(super) size: &'a Size,
}

impl Beside {
    /// One round, in turn with the plain node.
    pub(super) fn measure(&self, round: Round<'_>, plain: Side<'_>, sheet: &mut Sheet) -> Result<(), LoadError> {
        if let Some((grown, stored)) = &self.grown {
            let names = ["create, grown store", "list, grown store"];
            grown.in_turn_with(plain, "small store", names, Bar::AtLeast(0.8, 0.95), round, sheet)?;
            let walk = walk::to_the_end(grown.node.target(), *stored)?;
            let last = Measured::new("last pages of the long session", Unit::Milliseconds, walk.last);
            sheet.note(round.store, last.against("first pages", walk.first).bar(Bar::AtMost(1.5, 1.1)));
        }
        let names = ["create, tokens and limits", "list, tokens and limits"];
        self.guarded.in_turn_with(plain, "open", names, Bar::AtLeast(0.9, 1.0), round, sheet)
    }

    /// Asks the nodes to end.
    pub(super) fn stop(self) -> Result<(), LoadError> {
        self.grown.into_iter().try_for_each(|(grown, _)| grown.node.stop())?;
        self.guarded.node.stop()
    }
}

impl Other {
    /// Create and list, each in turn with the plain node's.
    fn in_turn_with(
        &self,
        plain: Side<'_>,
        against: &'static str,
        [create, list]: [&'static str; 2],
        bar: Bar,
        round: Round<'_>,
        sheet: &mut Sheet,
    ) -> Result<(), LoadError> {
        let this = Side { target: self.node.target(), people: &self.people };
        for (name, case) in [(create, Case::Create), (list, Case::List)] {
            let takes = [this, plain].map(|side| move || side.closed(round.size, case));
            let [figure, other] = in_turn(round.number, takes.each_ref().map(|take| take as _))?;
            let measured = Measured::new(name, Unit::PerSecond, figure);
            sheet.note(round.store, measured.against(against, other).bar(bar));
        }
        Ok(())
    }
}
