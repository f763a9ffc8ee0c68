//! The list of a user's sessions: newest first by creation, then id, paged by a cursor.

use super::model::Session;
use super::state::SessionStatus;
use crate::fault::{Faults, Place, Rejection};
use crate::id::{ParticipantId, SessionId};
use crate::query;
use crate::timestamp::Timestamp;

/// Which way a page goes from its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CursorDirection {
    /// To sessions made before the cursor's.
    Older,
    /// To sessions made after it.
    Newer,
}

/// A place in the list: the session next to which a page begins. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionCursor {
    /// Which way the page goes.
    pub direction: CursorDirection,
    /// When that session was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: SessionId,
}

impl SessionCursor {
    fn at(session: &Session, direction: CursorDirection) -> Self {
        Self { direction, created_at: session.created_at, id: session.id }
    }

    /// The cursor as clients send it back, safe within a URL.
    #[must_use]
    pub fn encode(&self) -> String {
        let direction = match self.direction {
            CursorDirection::Older => 'o',
            CursorDirection::Newer => 'n',
        };
        format!("{direction}{:x}-{}", self.created_at.as_micros(), self.id.as_uuid().simple())
    }

    /// Reads what [`encode`](Self::encode) wrote.
    fn decode(text: &str) -> Option<Self> {
        let (direction, rest) = match text.split_at_checked(1)? {
            ("o", rest) => (CursorDirection::Older, rest),
            ("n", rest) => (CursorDirection::Newer, rest),
            _ => return None,
        };
        let (micros, id) = rest.split_once('-')?;
        let created_at = Timestamp::from_micros(i64::from_str_radix(micros, 16).ok()?).ok()?;
        Some(Self { direction, created_at, id: id.parse().ok()? })
    }
}

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSessions {
    /// Whose sessions.
    pub user_id: ParticipantId,
    /// In this status only.
    pub status: Option<SessionStatus>,
    /// At most so many.
    pub limit: u16,
    /// From here on; from the newest where absent.
    pub cursor: Option<SessionCursor>,
}

impl UserSessionsDraft {
    /// Checks every parameter. `Ok(None)` where no session can meet them: `active_only` with another status.
    pub(super) fn check(self, user_id: ParticipantId) -> Result<Option<UserSessions>, Faults> {
        let (active_only, status, limit, cursor) = self.checked()?;
        let status = match (active_only, status) {
            (false, status) => status,
            (true, None | Some(SessionStatus::Active)) => Some(SessionStatus::Active),
            (true, Some(_)) => return Ok(None),
        };
        Ok(Some(UserSessions { user_id, status, limit, cursor }))
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
        let cursor = self.cursor.and_then(|text| {
            let known = SessionCursor::decode(&text);
            let cursor = known.ok_or_else(|| Rejection::new("invalid_cursor", "must come from a Link header"));
            faults.take(Place::Query, "/cursor", cursor)
        });
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

/// A page of sessions, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// Where the next, older page begins, where there is one.
    pub next: Option<SessionCursor>,
    /// Where the page before, with newer sessions, begins.
    pub prev: Option<SessionCursor>,
}

impl SessionPage {
    /// Makes a page from what a store found when it walked in the query's direction and took up to one row more than
    /// the limit.
    #[must_use]
    pub fn assemble(query: &UserSessions, mut found: Vec<Session>) -> Self {
        let limit = usize::from(query.limit);
        let more = found.len() > limit;
        found.truncate(limit);
        let (more_older, more_newer) = match query.direction() {
            CursorDirection::Older => (more, query.cursor.is_some()),
            CursorDirection::Newer => {
                found.reverse();
                (true, more)
            }
        };
        let next = found.last().filter(|_| more_older).map(|last| SessionCursor::at(last, CursorDirection::Older));
        let prev = found.first().filter(|_| more_newer).map(|first| SessionCursor::at(first, CursorDirection::Newer));
        Self { sessions: found, next, prev }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(draft: UserSessionsDraft) -> Result<Option<UserSessions>, Vec<(String, &'static str)>> {
        draft
            .check("u-1".parse().unwrap())
            .map_err(|faults| faults.iter().map(|f| (f.pointer.clone(), f.rejection.code)).collect())
    }

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        for direction in [CursorDirection::Older, CursorDirection::Newer] {
            let cursor = SessionCursor {
                direction,
                created_at: Timestamp::from_micros(1_767_225_600_000_042).unwrap(),
                id: "0198c0de-0000-7000-8000-000000000001".parse().unwrap(),
            };
            assert_eq!(SessionCursor::decode(&cursor.encode()), Some(cursor));
        }
        for bad in [
            "",
            "o",
            "x0-0",
            "o-",
            "ozz-0198c0de000070008000000000000001",
            "o7fffffffffffffff-0198c0de000070008000000000000001",
            "ü",
        ] {
            assert_eq!(SessionCursor::decode(bad), None, "{bad}");
        }
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
