//! The list of a tenant's audit: newest first, paged by a cursor.

use super::model::AuditEntry;
use crate::access::Action;
use crate::cursor::{Cursor, CursorDirection, Cut};
use crate::fault::{Faults, Place};
use crate::id::{AuditId, ParticipantId};
use crate::query;

/// A place in the list: the entry next to which a page begins. Opaque to clients.
pub type AuditCursor = Cursor<AuditId>;

/// The query parameters, unchecked.
#[derive(Debug, Default)]
pub struct AuditDraft {
    /// Rows a page.
    pub limit: Option<String>,
    /// Where a page before left off.
    pub cursor: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<String>,
}

/// A checked question for a page of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only what this one did.
    pub actor: Option<ParticipantId>,
    /// Only this kind of deed.
    pub action: Option<Action>,
    /// At most so many.
    pub limit: u16,
    /// From here on; from the newest where absent.
    pub cursor: Option<AuditCursor>,
}

impl AuditDraft {
    /// Checks every parameter.
    pub(super) fn check(self) -> Result<AuditQuery, Faults> {
        let mut faults = Faults::none();
        let limit = query::limit("limit", self.limit.as_deref(), 1, &mut faults);
        let cursor = Cursor::parameter(self.cursor.as_deref(), &mut faults);
        let actor = self.actor.and_then(|text| faults.take(Place::Query, "/actor", text.try_into()));
        let action = self.action.and_then(|text| faults.take(Place::Query, "/action", text.parse()));
        faults.into_result()?;
        Ok(AuditQuery { actor, action, limit, cursor })
    }

    /// All faults that the parameters have, for a query that could not be read whole.
    #[must_use]
    pub fn faults(self) -> Faults {
        self.check().err().unwrap_or_default()
    }
}

impl AuditQuery {
    /// The way in which a store walks: away from the cursor.
    #[must_use]
    pub fn direction(&self) -> CursorDirection {
        self.cursor.map_or(CursorDirection::Older, |cursor| cursor.direction)
    }
}

/// A page of the audit, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where the next, older page begins, where there is one.
    pub next: Option<AuditCursor>,
    /// Where the page before, with newer entries, begins.
    pub prev: Option<AuditCursor>,
}

impl AuditPage {
    /// Makes a page from what a store found when it walked in the query's direction and took up to one row more than
    /// the limit.
    #[must_use]
    pub fn assemble(query: &AuditQuery, found: Vec<AuditEntry>) -> Self {
        let place = |entry: &AuditEntry| (entry.created_at, entry.id);
        let Cut { found, next, prev } = Cut::new(query.cursor.as_ref(), query.limit, found, place);
        Self { entries: found, next, prev }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_parameter_is_named_at_once() {
        let bad = |text: &str| Some(text.to_owned());
        let draft = AuditDraft { limit: bad("0"), cursor: bad("?"), actor: bad(""), action: bad("nothing") };
        let faults = draft.check().unwrap_err();
        let told: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.rejection.code)).collect();
        let expected = [
            ("/limit", "out_of_range"),
            ("/cursor", "invalid_cursor"),
            ("/actor", "empty"),
            ("/action", "invalid_value"),
        ];
        assert_eq!(told, expected);
    }
}
