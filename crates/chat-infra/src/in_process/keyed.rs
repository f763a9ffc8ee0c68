//! A piece of state for each of many keys, in memory that a flood of made-up keys cannot fill.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashTable;

/// So many parts are locked apart.
const SHARDS: usize = 16;
/// A part is not looked through for idle keys while it holds fewer.
const FEW: usize = 64;
/// A part that is full of keys in use is looked through no more often than this.
const PAUSE: Duration = Duration::from_millis(100);

/// What may be kept for a key.
pub(crate) trait Forgettable: Default {
    /// Whether a new one would do as well.
    fn is_idle(&self, now: Duration) -> bool;

    /// The one that all keys share for which there is no room.
    fn of_strangers() -> Self {
        Self::default()
    }
}

/// State for each key: made when the key is first seen, forgotten some time after it has become idle.
///
/// Where more keys are in use than there is room for, those that come last share one state for as long as that lasts:
/// memory stays bounded, and whoever was there before keeps its own.
pub(crate) struct Keyed<K, V> {
    /// A key is hashed once each time, for its shard and for its place in it.
    hasher: RandomState,
    first: Mutex<Shard<K, V>>,
    others: [Mutex<Shard<K, V>>; SHARDS - 1],
    room: usize,
}

struct Shard<K, V> {
    states: HashTable<(K, V)>,
    /// Idle keys are looked for once there are so many, so that what it costs is shared by as many new keys.
    sweep_at: usize,
    not_before: Duration,
    strangers: V,
}

impl<K, V: Forgettable> Default for Shard<K, V> {
    fn default() -> Self {
        let (sweep_at, not_before) = (FEW, Duration::ZERO);
        Self { states: HashTable::new(), sweep_at, not_before, strangers: V::of_strangers() }
    }
}

impl<K: Hash + Eq + Clone, V: Forgettable> Keyed<K, V> {
    /// Room for about so many keys.
    pub(crate) fn new(room: usize) -> Self {
        let room = room.div_ceil(SHARDS).max(1);
        let others = std::array::from_fn(|_| Mutex::default());
        Self { hasher: RandomState::new(), first: Mutex::default(), others, room }
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<K, V>> {
        // By bits that places in a table hang on least.
        let number = usize::try_from((hash >> 32) % SHARDS as u64).unwrap_or_default();
        let shard = self.others.get(number).unwrap_or(&self.first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the state of a key, which is locked meanwhile.
    pub(crate) fn with<T>(&self, key: &K, now: Duration, act: impl FnOnce(&mut V) -> T) -> T {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(hash);
        if let Some((_, state)) = shard.states.find_mut(hash, |(known, _)| known == key) {
            return act(state);
        }
        if shard.has_room(self.room, now, &self.hasher) {
            let rehash = |(key, _): &(K, V)| self.hasher.hash_one(key);
            let made = shard.states.insert_unique(hash, (key.clone(), V::default()), rehash);
            return act(&mut made.into_mut().1);
        }
        act(&mut shard.strangers)
    }

    /// The same where the key is known.
    pub(crate) fn with_known<T>(&self, key: &K, act: impl FnOnce(&mut V) -> T) -> Option<T> {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(hash);
        shard.states.find_mut(hash, |(known, _)| known == key).map(|(_, state)| act(state))
    }

    /// How many keys it holds.
    #[cfg(test)]
    fn len(&self) -> usize {
        let shards = std::iter::once(&self.first).chain(&self.others);
        shards.map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).states.len()).sum()
    }
}

impl<K: Hash + Eq, V: Forgettable> Shard<K, V> {
    /// Whether there is room for one more, after a look for idle keys where it is time for one.
    fn has_room(&mut self, room: usize, now: Duration, hasher: &RandomState) -> bool {
        if self.states.len() >= self.sweep_at.min(room) && now >= self.not_before {
            self.states.retain(|(_, state)| !state.is_idle(now));
            self.sweep_at = (self.states.len() * 2).max(FEW);
            self.states.shrink_to(self.sweep_at, |(key, _)| hasher.hash_one(key));
            if self.states.len() >= room {
                self.not_before = now + PAUSE;
            }
        }
        self.states.len() < room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In use until then.
    #[derive(Default)]
    struct Used(Duration);

    impl Forgettable for Used {
        fn is_idle(&self, now: Duration) -> bool {
            self.0 <= now
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_key_has_a_state_of_its_own() {
        let keyed = Keyed::<String, Used>::new(1_000);
        for (key, until) in [("a", 1), ("b", 2)] {
            keyed.with(&key.to_owned(), SECOND, |used| used.0 = SECOND * until);
        }
        assert_eq!(keyed.with(&"a".to_owned(), SECOND, |used| used.0), SECOND);
        assert_eq!(keyed.with_known(&"b".to_owned(), |used| used.0), Some(SECOND * 2));
        assert_eq!(keyed.with_known(&"c".to_owned(), |used| used.0), None);
    }

    #[test]
    fn a_flood_of_keys_does_not_grow_it_beyond_its_room() {
        let keyed = Keyed::<u32, Used>::new(1_600);
        for key in 0..100_000 {
            keyed.with(&key, SECOND, |used| used.0 = SECOND * 9);
        }
        assert!(keyed.len() <= 1_600, "{}", keyed.len());
        assert_eq!(keyed.with(&0, SECOND, |used| used.0), SECOND * 9, "who was there before keeps its own");
        assert_eq!(keyed.with(&999_999, SECOND, |used| used.0), SECOND * 9, "who comes last shares one");
    }

    #[test]
    fn idle_keys_are_forgotten_and_their_room_is_given_to_others() {
        let keyed = Keyed::<u32, Used>::new(1_600_000);
        for round in 0..50_u32 {
            let now = SECOND * round;
            for key in 0..1_000 {
                keyed.with(&(round * 1_000 + key), now, |used| used.0 = now + SECOND);
            }
        }
        assert!(keyed.len() <= 4 * SHARDS * FEW.max(1_000 / SHARDS), "{}", keyed.len());
        let full = Keyed::<u32, Used>::new(16);
        for key in 0..1_000 {
            full.with(&key, SECOND, |used| used.0 = SECOND * 2);
        }
        for key in 1_000..2_000 {
            full.with(&key, SECOND * 3, |used| used.0 = SECOND * 4);
        }
        assert!((1_000..2_000).any(|key| full.with_known(&key, |_| ()).is_some()), "room that is free is used");
    }
}
