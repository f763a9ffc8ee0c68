//! Room for bodies: what is held of all of them together is bounded.
//!
//! A body is held until the last of it has come, which a client may draw out for a minute, and then until its request is
//! answered. So that many clients that each send nearly all of a large one do not fill the memory, the bytes of bodies that
//! are not short are counted, and where they are too many a further such body is refused. Short ones, nearly all, are not
//! counted: they cost hardly more than their connection does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use metrics::{Counter, counter};

use crate::problem::{Kind, Problem};

/// The name of the counter of bodies for which there was no room.
pub(crate) const REFUSALS_METRIC: &str = "chat_http_body_refusals_total";

/// A body of no more bytes is short, and not counted.
pub(super) const SHORT: usize = 8 * 1024;
/// A body of more bytes is one of the largest, for which a quarter of the room is out of reach: a few clients that send
/// such ones at their leisure must not deny others theirs.
const LARGEST: usize = 64 * 1024;
const CROWDED: &str = "Too many large bodies are on their way. Nothing was changed; try again.";

/// The room for the bodies of all workers.
pub(crate) struct BodyRoom {
    most: usize,
    /// Bytes that are taken.
    held: AtomicUsize,
    refusals: Counter,
}

/// What one body takes of it, for as long as this lives.
struct Share {
    room: Arc<BodyRoom>,
    bytes: usize,
}

/// There is no more room for bodies.
#[derive(Debug, thiserror::Error)]
#[error("{0} bytes of bodies are held already")]
struct Crowded(usize);

impl BodyRoom {
    /// For so many bytes.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: AtomicUsize::new(0), refusals: counter!(REFUSALS_METRIC) })
    }

    /// Whether there is room for a body of this length. What will hardly find any is better refused before it has come.
    ///
    /// # Errors
    /// Where bodies take too much already.
    pub(super) fn has_room(&self, length: usize) -> Result<(), Problem> {
        let held = self.held.load(Ordering::Relaxed);
        self.after(held, length, length).map(drop).ok_or_else(|| self.refusal(held))
    }

    /// Takes so many bytes more for a body that has some.
    fn take(&self, more: usize, has: usize) -> Result<(), Problem> {
        let taken = |held| self.after(held, more, has + more);
        let taken = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
        taken.map(drop).map_err(|held| self.refusal(held))
    }

    /// What is held once so much more is, for a body that is so long then; `None` where that is too much.
    fn after(&self, held: usize, more: usize, length: usize) -> Option<usize> {
        let room = if length > LARGEST { self.most - self.most / 4 } else { self.most };
        held.checked_add(more).filter(|held| *held <= room)
    }

    fn refusal(&self, held: usize) -> Problem {
        self.refusals.increment(1);
        Problem::new(Kind::StoreUnavailable, CROWDED).because(Crowded(held))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A body as it comes in. Most come in one piece, which is not copied.
#[derive(Default)]
pub(super) struct Pieces {
    first: Bytes,
    more: Vec<u8>,
    share: Option<Share>,
}

impl Pieces {
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.more.len()
    }

    /// Adds a piece; together they are no more than `most` bytes.
    ///
    /// # Errors
    /// Where it is no short body any more, and bodies take too much already.
    pub(super) fn push(
        &mut self,
        piece: Bytes,
        most: usize,
        room: impl FnOnce() -> Result<Arc<BodyRoom>, Problem>,
    ) -> Result<(), Problem> {
        // In steps, so that a body that comes byte by byte is neither counted nor copied for each of them.
        let wanted = (self.len() + piece.len()).next_power_of_two().min(most);
        if wanted > SHORT {
            self.count(wanted, room)?;
        }
        if self.first.is_empty() && self.more.is_empty() {
            self.first = piece;
            return Ok(());
        }
        let first = std::mem::take(&mut self.first);
        self.more.reserve_exact(wanted.saturating_sub(self.more.len()));
        self.more.extend_from_slice(&first);
        self.more.extend_from_slice(&piece);
        Ok(())
    }

    fn count(&mut self, wanted: usize, room: impl FnOnce() -> Result<Arc<BodyRoom>, Problem>) -> Result<(), Problem> {
        let share = match &mut self.share {
            Some(share) => share,
            none => none.insert(Share { room: room()?, bytes: 0 }),
        };
        if wanted > share.bytes {
            share.room.take(wanted - share.bytes, share.bytes)?;
            share.bytes = wanted;
        }
        Ok(())
    }

    /// The whole, counted until nobody holds it any more.
    pub(super) fn join(self) -> Bytes {
        let text = if self.more.is_empty() { self.first } else { self.more.into() };
        match self.share {
            Some(share) => Bytes::from_owner(Counted { text, _share: share }),
            None => text,
        }
    }
}

/// The text of a body that is counted.
struct Counted {
    text: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 256 * 1024;

    fn push(pieces: &mut Pieces, length: usize, room: &Arc<BodyRoom>) -> Result<(), Problem> {
        pieces.push(vec![b'x'; length].into(), MOST, || Ok(Arc::clone(room)))
    }

    fn held(room: &BodyRoom) -> usize {
        room.held.load(Ordering::Relaxed)
    }

    #[test]
    fn a_short_body_is_not_counted_in_however_many_pieces_it_comes() {
        for piece in [1, 100, SHORT / 4, SHORT] {
            let mut pieces = Pieces::default();
            while pieces.len() + piece <= SHORT {
                let asked = || panic!("of {piece} bytes each");
                pieces.push(vec![b'x'; piece].into(), MOST, asked).unwrap();
            }
            assert_eq!(pieces.len(), pieces.join().len());
        }
    }

    #[test]
    fn a_body_is_what_came_and_takes_no_more_than_is_counted() {
        let room = BodyRoom::new(usize::MAX);
        let whole: Vec<u8> = (0..MOST).map(|number| (number % 251).to_le_bytes()[0]).collect();
        for piece in [1_000, SHORT + 1, MOST / 2, MOST] {
            let mut pieces = Pieces::default();
            for piece in whole.chunks(piece) {
                pieces.push(Bytes::copy_from_slice(piece), MOST, || Ok(Arc::clone(&room))).unwrap();
                assert!(pieces.more.capacity() <= held(&room).max(SHORT), "after {} bytes", pieces.len());
            }
            assert!(pieces.join() == whole, "in pieces of {piece} bytes");
        }
    }

    #[test]
    fn bodies_have_so_much_room_together_until_the_last_hold_on_them_is_gone() {
        let room = BodyRoom::new(4 * SHORT);
        let [mut one, mut two] = [Pieces::default(), Pieces::default()];
        push(&mut one, SHORT, &room).unwrap();
        push(&mut one, 1, &room).unwrap();
        push(&mut two, 2 * SHORT, &room).unwrap();
        assert!(push(&mut Pieces::default(), SHORT + 1, &room).is_err(), "there is none left");
        push(&mut Pieces::default(), SHORT, &room).unwrap();
        drop(one);
        assert!(push(&mut two, 2 * SHORT, &room).is_ok(), "who leaves in the middle leaves its room");
        let text = two.join();
        let piece = text.slice(..1);
        drop(text);
        assert!(push(&mut Pieces::default(), SHORT + 1, &room).is_err(), "somebody still holds a piece of it");
        drop(piece);
        assert_eq!(held(&room), 0);
    }

    #[test]
    fn the_largest_bodies_leave_a_quarter_of_the_room_to_others() {
        let room = BodyRoom::new(4 * MOST);
        let mut largest: Vec<_> = (0..4).map(|_| Pieces::default()).collect();
        let refused = largest.iter_mut().filter_map(|pieces| push(pieces, MOST, &room).err()).count();
        assert_eq!(refused, 1);
        let mut others: Vec<_> = (0..MOST / LARGEST).map(|_| Pieces::default()).collect();
        assert!(others.iter_mut().all(|pieces| push(pieces, LARGEST, &room).is_ok()));
        assert!(push(&mut Pieces::default(), SHORT + 1, &room).is_err(), "now it is full for everybody");
    }
}
