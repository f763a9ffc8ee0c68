//! The list of a user's sessions: newest first by creation, then id, paged by a cursor.

use super::model::Session;
use super::state::SessionStatus;
use crate::cursor::{Cursor, CursorDirection, Cut};
use crate::fault::{Faults, Place};
use crate::id::{ParticipantId, SessionId};
use crate::participant::{Reader, UnreadCount};
use crate::query;

/// A place in the list: the session next to which a page begins. Opaque to clients.
pub type SessionCursor = Cursor<SessionId>;

/// The query parameters, unchecked.
#[derive(Debug, Default)]
pub struct UserSessionsDraft {
    /// `true` for sessions that are active.
    pub active_only: Option<String>,
    /// A status.
    pub status: Option<String>,
    /// Rows a page.
    pub limit: Option<String>,
    /// Where a page before left off.
    pub cursor: Option<String>,
}

/// A checked question for a page of a user's sessions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserSessions {
    /// Whose sessions.
    pub user_id: ParticipantId,
    /// Who reads the list: each session comes with what this reader has not read of it.
    pub reader: Reader,
    /// In this status only.
    pub status: Option<SessionStatus>,
    /// At most so many.
    pub limit: u16,
    /// From here on; from the newest where absent.
    pub cursor: Option<SessionCursor>,
}

impl UserSessionsDraft {
    /// Checks every parameter. `Ok(None)` where no session can meet them: `active_only` with another status.
    pub(super) fn check(self, user_id: ParticipantId, reader: Reader) -> Result<Option<UserSessions>, Faults> {
        let (active_only, status, limit, cursor) = self.checked()?;
        let status = match (active_only, status) {
            (false, status) => status,
            (true, None | Some(SessionStatus::Active)) => Some(SessionStatus::Active),
            (true, Some(_)) => return Ok(None),
        };
        Ok(Some(UserSessions { user_id, reader, status, limit, cursor }))
    }

    /// All faults that the parameters have, for a query that could not be read whole.
    #[must_use]
    pub fn faults(self) -> Faults {
        self.checked().err().unwrap_or_default()
    }

    fn checked(self) -> Result<(bool, Option<SessionStatus>, u16, Option<SessionCursor>), Faults> {
        let mut faults = Faults::none();
        let active_only = query::flag("active_only", self.active_only.as_deref(), &mut faults);
        let status = self.status.and_then(|text| faults.take(Place::Query, "/status", text.parse()));
        let limit = query::limit("limit", self.limit.as_deref(), 1, &mut faults);
        let cursor = Cursor::parameter(self.cursor.as_deref(), &mut faults);
        faults.into_result()?;
        Ok((active_only, status, limit, cursor))
    }
}

impl UserSessions {
    /// The way in which a store walks: away from the cursor.
    #[must_use]
    pub fn direction(&self) -> CursorDirection {
        self.cursor.map_or(CursorDirection::Older, |cursor| cursor.direction)
    }
}

/// A session, and how much of it whoever asked has not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSession {
    /// The session.
    pub session: Session,
    /// What is unread.
    pub unread: UnreadCount,
}

/// A page of sessions, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions, each as the reader of the question sees it.
    pub sessions: Vec<SeenSession>,
    /// Where the next, older page begins, where there is one.
    pub next: Option<SessionCursor>,
    /// Where the page before, with newer sessions, begins.
    pub prev: Option<SessionCursor>,
}

impl SessionPage {
    /// Makes a page from what a store found when it walked in the query's direction and took up to one row more than
    /// the limit.
    #[must_use]
    pub fn assemble(query: &UserSessions, found: Vec<SeenSession>) -> Self {
        let place = |seen: &SeenSession| (seen.session.created_at, seen.session.id);
        let Cut { found, next, prev } = Cut::new(query.cursor.as_ref(), query.limit, found, place);
        Self { sessions: found, next, prev }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::participant::ParticipantRole;

    fn check(draft: UserSessionsDraft) -> Result<Option<UserSessions>, Vec<(String, &'static str)>> {
        draft
            .check("u-1".parse().unwrap(), Reader { role: ParticipantRole::User, id: "u-1".parse().unwrap() })
            .map_err(|faults| faults.iter().map(|f| (f.pointer.clone(), f.rejection.code)).collect())
    }

    #[test]
    fn active_only_and_status_must_both_hold() {
        let draft = |active: &str, status: Option<&str>| UserSessionsDraft {
            active_only: Some(active.to_owned()),
            status: status.map(str::to_owned),
            ..UserSessionsDraft::default()
        };
        assert_eq!(check(draft("true", None)).unwrap().unwrap().status, Some(SessionStatus::Active));
        assert_eq!(check(draft("false", Some("ended"))).unwrap().unwrap().status, Some(SessionStatus::Ended));
        assert_eq!(check(draft("true", Some("ended"))).unwrap(), None);
    }

    #[test]
    fn all_bad_parameters_are_named_at_once() {
        let bad = || Some("?".to_owned());
        let faults = check(UserSessionsDraft { active_only: bad(), status: bad(), limit: bad(), cursor: bad() });
        let pointers: Vec<_> = faults.unwrap_err().into_iter().map(|fault| fault.0).collect();
        assert_eq!(pointers, ["/active_only", "/status", "/limit", "/cursor"]);
    }
}
