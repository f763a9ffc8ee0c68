//! Nodes that differ from the one of the rounds in one thing, each measured right after it.

use super::measure::closed;
use super::server::Server;
use super::sheet::{Bar, Measured, Sheet, Unit};
use super::walk;
use crate::case::Case;
use crate::cli::Size;
use crate::error::LoadError;
use crate::population::Population;
use crate::stored::Stored;

/// What the node of the rounds gave in this round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain {
    /// Messages created a second.
    pub(super) create: f64,
    /// Pages listed a second.
    pub(super) list: f64,
}

/// The other nodes, each with sessions of its own.
#[derive(Default)]
pub(super) struct Beside {
    /// On a store that has grown.
    pub(super) grown: Option<(Server, Population, Stored)>,
    /// Which asks for tokens and limits its callers.
    pub(super) guarded: Option<(Server, Population)>,
}

impl Beside {
    /// One round.
    pub(super) fn measure(
        &self,
        store: &'static str,
        size: &Size,
        plain: Plain,
        sheet: &mut Sheet,
    ) -> Result<(), LoadError> {
        if let Some((node, population, stored)) = &self.grown {
            let names = ["create, grown store", "list, grown store"];
            for measured in both(names, "small store", size, node, population, plain)? {
                sheet.note(store, measured.bar(Bar::AtLeast(0.8, 0.95)));
            }
            let walk = walk::to_the_end(node.target(), *stored)?;
            let last = Measured::new("last pages of the long session", Unit::Milliseconds, walk.last);
            sheet.note(store, last.against("first pages", walk.first).bar(Bar::AtMost(1.5, 1.1)));
        }
        if let Some((node, population)) = &self.guarded {
            let names = ["create, tokens and limits", "list, tokens and limits"];
            for measured in both(names, "open", size, node, population, plain)? {
                sheet.note(store, measured.bar(Bar::AtLeast(0.9, 1.0)));
            }
        }
        Ok(())
    }

    /// Asks the nodes to end.
    pub(super) fn stop(self) -> Result<(), LoadError> {
        let nodes = [self.grown.map(|(node, ..)| node), self.guarded.map(|(node, _)| node)];
        nodes.into_iter().flatten().try_for_each(Server::stop)
    }
}

/// Create and list on this node, against those of the plain one.
fn both(
    [create, list]: [&'static str; 2],
    against: &'static str,
    size: &Size,
    node: &Server,
    population: &Population,
    plain: Plain,
) -> Result<[Measured; 2], LoadError> {
    let rate = |case| closed(size, case, population, node.target());
    let create = Measured::new(create, Unit::PerSecond, rate(Case::Create)?).against(against, plain.create);
    let list = Measured::new(list, Unit::PerSecond, rate(Case::List)?).against(against, plain.list);
    Ok([create, list])
}
