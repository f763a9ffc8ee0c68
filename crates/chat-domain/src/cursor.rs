//! Cursors: places in a list that goes by time and then by id, newest first.

use uuid::Uuid;

use crate::fault::{Faults, Place, Rejection};
use crate::timestamp::Timestamp;

/// Which way a page goes from its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CursorDirection {
    /// To what was made before the cursor's thing.
    Older,
    /// To what was made after it.
    Newer,
}

/// A place in the list: the thing next to which a page begins. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor<I> {
    /// Which way the page goes.
    pub direction: CursorDirection,
    /// When that thing was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: I,
}

impl<I: From<Uuid> + Into<Uuid> + Copy> Cursor<I> {
    /// The cursor as clients send it back, safe within a URL.
    #[must_use]
    pub fn encode(&self) -> String {
        let direction = match self.direction {
            CursorDirection::Older => 'o',
            CursorDirection::Newer => 'n',
        };
        let id: Uuid = self.id.into();
        format!("{direction}{:x}-{}", self.created_at.as_micros(), id.simple())
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
        Some(Self { direction, created_at, id: id.parse::<Uuid>().ok()?.into() })
    }

    /// Reads the query parameter `cursor`.
    pub(crate) fn parameter(text: Option<&str>, faults: &mut Faults) -> Option<Self> {
        let cursor = Self::decode(text?);
        let cursor = cursor.ok_or_else(|| Rejection::new("invalid_cursor", "must come from a Link header"));
        faults.take(Place::Query, "/cursor", cursor)
    }
}

/// What a store's walk from a cursor found, cut to one page: newest first, with the places where its neighbours begin.
pub(crate) struct Cut<T, I> {
    pub(crate) found: Vec<T>,
    pub(crate) next: Option<Cursor<I>>,
    pub(crate) prev: Option<Cursor<I>>,
}

impl<T, I> Cut<T, I> {
    /// Cuts what was found on a walk away from the cursor, which took up to one row more than the limit.
    pub(crate) fn new(
        cursor: Option<&Cursor<I>>,
        limit: u16,
        mut found: Vec<T>,
        place: impl Fn(&T) -> (Timestamp, I),
    ) -> Self {
        let limit = usize::from(limit);
        let more = found.len() > limit;
        found.truncate(limit);
        let (more_older, more_newer) = match cursor.map(|cursor| cursor.direction) {
            None => (more, false),
            Some(CursorDirection::Older) => (more, true),
            Some(CursorDirection::Newer) => {
                found.reverse();
                (true, more)
            }
        };
        let at = |thing: &T, direction| {
            let (created_at, id) = place(thing);
            Cursor { direction, created_at, id }
        };
        let next = found.last().filter(|_| more_older).map(|last| at(last, CursorDirection::Older));
        let prev = found.first().filter(|_| more_newer).map(|first| at(first, CursorDirection::Newer));
        Self { found, next, prev }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        for direction in [CursorDirection::Older, CursorDirection::Newer] {
            let cursor = Cursor {
                direction,
                created_at: Timestamp::from_micros(1_767_225_600_000_042).unwrap(),
                id: Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0001),
            };
            assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
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
            assert_eq!(Cursor::<Uuid>::decode(bad), None, "{bad}");
        }
    }
}
