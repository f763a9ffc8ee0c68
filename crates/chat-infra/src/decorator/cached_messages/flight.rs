//! Single flight: callers who miss under one key at one time share one read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::operation::part;

/// The reads under way. Each runs as a task of its own, so that no caller who hangs up takes it along.
pub(super) struct Flights<K, T> {
    under_way: Arc<UnderWay<K, T>>,
    runtime: Handle,
}

type UnderWay<K, T> = Mutex<HashMap<K, watch::Receiver<Option<T>>>>;

/// The read ended without a result.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the read was lost")]
pub(super) struct Lost;

impl<K: Clone + Eq + Hash + Send + 'static, T: Clone + Send + Sync + 'static> Flights<K, T> {
    /// None under way; they will run on the present runtime.
    pub(super) fn new() -> Self {
        Self { under_way: Arc::default(), runtime: Handle::current() }
    }

    /// Joins the flight under this key, or starts one with what `start` makes of its landing; `true` where it started.
    pub(super) fn join<F>(&self, key: K, start: impl FnOnce(Landing<K, T>) -> F) -> (Flight<T>, bool)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut under_way = lock(&self.under_way);
        match under_way.entry(key) {
            Entry::Occupied(flight) => (Flight(flight.get().clone()), false),
            Entry::Vacant(place) => {
                let (result, flight) = watch::channel(None);
                let key = place.key().clone();
                place.insert(flight.clone());
                let landing = Landing { under_way: Arc::clone(&self.under_way), key, result };
                self.runtime.spawn(start(landing).instrument(part("pages.fetch", None)));
                (Flight(flight), true)
            }
        }
    }
}

fn lock<K, T>(under_way: &UnderWay<K, T>) -> MutexGuard<'_, HashMap<K, watch::Receiver<Option<T>>>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A read that the caller waits for.
pub(super) struct Flight<T>(watch::Receiver<Option<T>>);

impl<T: Clone> Flight<T> {
    /// What the read gave.
    pub(super) async fn landed(mut self) -> Result<T, Lost> {
        let result = self.0.wait_for(Option::is_some).await.map_err(|_| Lost)?;
        result.clone().ok_or(Lost)
    }
}

/// Where a read brings its result. Callers join until this is dropped.
pub(super) struct Landing<K: Eq + Hash, T> {
    under_way: Arc<UnderWay<K, T>>,
    key: K,
    result: watch::Sender<Option<T>>,
}

impl<K: Eq + Hash, T> Landing<K, T> {
    /// Gives the result to all who wait and to all who still join.
    pub(super) fn land(&self, result: T) {
        self.result.send_replace(Some(result));
    }
}

impl<K: Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        lock(&self.under_way).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_read_that_ends_without_a_result_is_told_and_forgotten() {
        let flights = Flights::<&str, u32>::new();
        let (lost, _) = flights.join("k", |landing| async move { drop(landing) });
        assert!(lost.landed().await.is_err());
        let (found, first) = flights.join("k", |landing| async move { landing.land(7) });
        assert!(first);
        assert_eq!(found.landed().await.unwrap(), 7);
    }
}
