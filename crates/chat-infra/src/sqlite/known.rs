//! What the process knows of the file without reading it.
//!
//! The file is claimed by this process, so whatever changes in it is changed by the one writer. What the writer commits,
//! and what was read while nothing changed, is known until it changes again.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

/// Parts with a lock each, so that readers on all cores seldom meet.
const SHARDS: usize = 16;

/// Values by key, each as the file has it now. Bounded: what was asked for least recently is forgotten first, more or
/// less.
///
/// A commit is seen by readers of the file before the writer hears of it. So the writer says beforehand what it is about
/// to change ([`begin`](Self::begin)), which is then not known until the writer has said how it ended
/// ([`end`](Self::end)): whoever asks in between must read, and what is read in between, or began to be read before, is
/// not taken ([`learn`](Self::learn)).
pub(super) struct Known<K, V> {
    shards: Vec<Mutex<Shard<K, V>>>,
    hasher: RandomState,
}

/// Two generations: what is asked for moves into the young one, and when that is full it becomes the old one.
struct Shard<K, V> {
    young: HashMap<K, V, RandomState>,
    old: HashMap<K, V, RandomState>,
    /// How many values each generation may hold.
    capacity: usize,
    /// Counts beginnings and ends of changes.
    moment: Moment,
    /// How many keys are changing.
    changing: usize,
}

/// A point in the history of some keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(u64);

impl<K: Clone + Eq + Hash, V: Clone> Known<K, V> {
    /// Nothing is known yet; later at most about so many values.
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.div_ceil(2 * SHARDS);
        let shard =
            || Shard { young: HashMap::default(), old: HashMap::default(), capacity, moment: Moment(0), changing: 0 };
        Self { shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(), hasher: RandomState::default() }
    }

    /// The value; where it is not known, since when what is read now may be [learnt](Self::learn).
    pub(super) fn look(&self, key: &K) -> Result<V, Moment> {
        let mut shard = self.shard(key);
        let moment = shard.moment;
        shard.get(key).ok_or(moment)
    }

    /// Takes a value that was read after the moment; refused where something may have changed since.
    pub(super) fn learn(&self, key: K, value: V, since: Moment) -> bool {
        let mut shard = self.shard(&key);
        let unchanged = shard.changing == 0 && shard.moment == since;
        if unchanged {
            shard.insert(key, value);
        }
        unchanged
    }

    /// The value is about to change. Each beginning has its end.
    pub(super) fn begin(&self, key: &K) {
        let mut shard = self.shard(key);
        shard.turn();
        shard.changing += 1;
        shard.young.remove(key);
        shard.old.remove(key);
    }

    /// The value has changed to this, or nobody knows to what.
    pub(super) fn end(&self, key: K, value: Option<V>) {
        let mut shard = self.shard(&key);
        shard.turn();
        shard.changing = shard.changing.saturating_sub(1);
        if let Some(value) = value {
            shard.insert(key, value);
        }
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K, V>> {
        let place = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or_default();
        #[expect(clippy::indexing_slicing, reason = "the place is below the number of shards")]
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Shard<K, V> {
    const fn turn(&mut self) {
        self.moment = Moment(self.moment.0.wrapping_add(1));
    }

    fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.insert(key, value.clone());
        Some(value)
    }

    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.capacity && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_while_nothing_changed_is_known() {
        let known = Known::new(100);
        let since = known.look(&"s").unwrap_err();
        assert!(known.learn("s", 1, since));
        assert_eq!(known.look(&"s"), Ok(1));
    }

    #[test]
    fn what_was_committed_is_known() {
        let known = Known::new(100);
        known.begin(&"s");
        known.end("s", Some(2));
        assert_eq!(known.look(&"s"), Ok(2));
    }

    #[test]
    fn what_is_changing_is_not_known_and_cannot_be_learnt() {
        let known = Known::new(100);
        known.begin(&"s");
        known.end("s", Some(1));
        known.begin(&"s");
        let since = known.look(&"s").unwrap_err();
        assert!(!known.learn("s", 1, since));
        known.end("s", Some(2));
        assert_eq!(known.look(&"s"), Ok(2));
    }

    #[test]
    fn what_began_to_be_read_before_a_change_ended_is_not_learnt_after() {
        let known = Known::new(100);
        let before = known.look(&"s").unwrap_err();
        known.begin(&"s");
        let between = known.look(&"s").unwrap_err();
        known.end("s", None);
        assert!(!known.learn("s", 1, before) && !known.learn("s", 1, between));
        let after = known.look(&"s").unwrap_err();
        assert!(known.learn("s", 2, after));
    }

    #[test]
    fn a_change_that_failed_leaves_nothing_known() {
        let known = Known::new(100);
        known.begin(&"s");
        known.end("s", Some(1));
        known.begin(&"s");
        known.end("s", None);
        assert!(known.look(&"s").is_err());
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_asked_for() {
        let known = Known::new(1_000);
        known.begin(&0);
        known.end(0, Some(0));
        for key in 1..100_000 {
            known.begin(&key);
            known.end(key, Some(key));
            assert_eq!(known.look(&0), Ok(0));
        }
        let kept = known.shards.iter().map(|shard| {
            let shard = shard.lock().unwrap();
            shard.young.len() + shard.old.len()
        });
        assert!(kept.sum::<usize>() <= 1_000 + 2 * SHARDS);
        assert!(known.look(&1).is_err());
    }
}
