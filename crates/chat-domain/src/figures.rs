//! Who may read the figures of the service. They are of all tenants, so they are for those alone who run it.

use crate::access::{Action, Caller, Denied, Guard, Relation};
use crate::audit::Thing;

/// The caller may not read the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not allowed")]
pub struct FiguresForbidden;

impl From<Denied> for FiguresForbidden {
    /// That there are figures is no secret.
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Forbidden | Denied::Hidden => Self,
        }
    }
}

/// The one question about the figures.
pub struct FiguresService {
    guard: Guard,
}

impl FiguresService {
    /// Puts the question to this guard.
    #[must_use]
    pub const fn new(guard: Guard) -> Self {
        Self { guard }
    }

    /// Asks whether the caller may read them; a refusal is told to the audit.
    ///
    /// # Errors
    /// Where it may not.
    pub fn may_read(&self, caller: &Caller) -> Result<(), FiguresForbidden> {
        let _permit = self.guard.ask(caller, Action::ReadMetrics, Relation::Other, || Thing::Figures)?;
        Ok(())
    }
}
