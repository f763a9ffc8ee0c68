//! One load on one node, and what came of it.

use crate::case::Case;
use crate::cli::Size;
use crate::error::LoadError;
use crate::load::{self, Plan, Summary};
use crate::population::Population;
use crate::target::Target;

/// Connections that offer more than can be served: more than may wait for a writer.
const CROWD: usize = 5_000;
/// A node that cannot take a message now says so with this status.
pub(super) const REFUSED: u16 = 503;

/// A node, and the sessions on it that are spoken of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    /// Where it listens.
    pub(super) target: &'a Target,
    /// The sessions.
    pub(super) people: &'a Population,
}

impl Side<'_> {
    /// Good answers a second, each connection asking as soon as it was answered.
    pub(super) fn closed(&self, size: &Size, case: Case) -> Result<f64, LoadError> {
        self.send(size, case, None).map(|summary| summary.rate)
    }

    /// Sends a load; every answer must be a good one.
    pub(super) fn send(&self, size: &Size, case: Case, rate: Option<f64>) -> Result<Summary, LoadError> {
        let summary = self.plan(size, case, rate)?;
        summary.refuse_unexpected()?;
        served(summary)
    }

    /// Sends a load that may be more than can be served: refusals are expected.
    pub(super) fn overload(&self, size: &Size, case: Case, rate: Option<f64>) -> Result<Summary, LoadError> {
        let summary = self.plan(size, case, rate)?;
        summary.refuse_unexpected_but(REFUSED)?;
        served(summary)
    }

    fn plan(&self, size: &Size, case: Case, rate: Option<f64>) -> Result<Summary, LoadError> {
        load::send(Plan { target: self.target.clone(), shots: case.shots(self.target, self.people), size: *size, rate })
    }
}

/// The same load over thousands of connections.
pub(super) fn crowd(size: &Size) -> Size {
    Size { connections: size.connections.max(CROWD), ..*size }
}

/// Half as long, for a case that is taken beside several others in each round.
pub(super) fn half(size: &Size) -> Size {
    Size { seconds: size.seconds / 2, warm_up: size.warm_up / 2, ..*size }
}

fn served(summary: Summary) -> Result<Summary, LoadError> {
    if summary.answered == 0 {
        return Err(LoadError::failed("nothing was answered within the time of a case"));
    }
    Ok(summary)
}
