//! Counting what is held at once: requests under way, open connections.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashTable;

/// So many may be held at once under each key. Keys under which nothing is held take no room.
pub(crate) struct Slots<K: Eq> {
    most: usize,
    hasher: RandomState,
    held: Mutex<HashTable<(K, usize)>>,
}

/// One that is held, for as long as this lives.
pub(crate) struct Slot<K: Eq> {
    slots: Arc<Slots<K>>,
    key: K,
    hash: u64,
}

impl<K: Eq> Slots<K> {
    /// So many for each key.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, hasher: RandomState::new(), held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, HashTable<(K, usize)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> Slots<K> {
    /// Takes one, or `None` where all are held.
    pub(crate) fn take(self: &Arc<Self>, key: &K) -> Option<Slot<K>> {
        let hash = self.hasher.hash_one(key);
        let mut held = self.held();
        match held.find_mut(hash, |(known, _)| known == key) {
            Some((_, count)) if *count >= self.most => return None,
            Some((_, count)) => *count += 1,
            None => {
                held.insert_unique(hash, (key.clone(), 1), |(key, _)| self.hasher.hash_one(key));
            }
        }
        Some(Slot { slots: Arc::clone(self), key: key.clone(), hash })
    }
}

impl<K: Eq> Drop for Slot<K> {
    fn drop(&mut self) {
        let mut held = self.slots.held();
        if let Ok(mut entry) = held.find_entry(self.hash, |(known, _)| *known == self.key) {
            match &mut entry.get_mut().1 {
                1 => _ = entry.remove(),
                count => *count -= 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_so_many_and_no_more() {
        let slots = Arc::new(Slots::new(2));
        let one = slots.take(&"a");
        let two = slots.take(&"a");
        assert!(one.is_some() && two.is_some() && slots.take(&"a").is_none());
        assert!(slots.take(&"b").is_some(), "another key has its own");
        drop(one);
        assert!(slots.take(&"a").is_some(), "what is let go can be taken again");
    }

    #[test]
    fn keys_under_which_nothing_is_held_are_forgotten() {
        let slots = Arc::new(Slots::new(2));
        let held: Vec<_> = (0..1_000).map(|key| slots.take(&key)).collect();
        assert_eq!(slots.held().len(), 1_000);
        drop(held);
        assert!(slots.held().is_empty());
    }
}
