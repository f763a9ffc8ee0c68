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
const REFUSED: u16 = 503;

/// Good answers a second, each connection asking as soon as it was answered.
pub(super) fn closed(size: &Size, case: Case, people: &Population, target: &Target) -> Result<f64, LoadError> {
    send(size, case, people, target, None).map(|summary| summary.rate)
}

/// Sends a load; every answer must be a good one.
pub(super) fn send(
    size: &Size,
    case: Case,
    people: &Population,
    target: &Target,
    rate: Option<f64>,
) -> Result<Summary, LoadError> {
    let plan = Plan { target: target.clone(), shots: case.shots(target, people), size: *size, rate };
    let summary = load::send(plan)?;
    summary.refuse_unexpected()?;
    served(summary)
}

/// The same load over thousands of connections.
pub(super) fn crowd(size: &Size) -> Size {
    Size { connections: size.connections.max(CROWD), ..*size }
}

/// Good answers a second where more may be asked than can be served: refusals are expected, and not counted.
pub(super) fn overload(
    size: &Size,
    case: Case,
    people: &Population,
    target: &Target,
    rate: Option<f64>,
) -> Result<f64, LoadError> {
    let plan = Plan { target: target.clone(), shots: case.shots(target, people), size: *size, rate };
    let mut summary = load::send(plan)?;
    summary.unexpected.remove(&REFUSED);
    summary.refuse_unexpected()?;
    served(summary).map(|summary| summary.rate)
}

fn served(summary: Summary) -> Result<Summary, LoadError> {
    if summary.answered == 0 {
        return Err(LoadError::failed("nothing was answered within the time of a case"));
    }
    Ok(summary)
}
