//! The idempotency keys that were used.

use std::collections::HashMap;

use async_trait::async_trait;

use super::FakeStore;
use crate::error::RepositoryError;
use crate::id::TenantId;
use crate::idempotency::{Digest, Idempotency, IdempotencyRepository};
use crate::timestamp::Timestamp;

/// The keys that led to things of one kind.
pub(super) struct Keys<T>(HashMap<(TenantId, Digest), Used<T>>);

struct Used<T> {
    command: Digest,
    made: T,
    at: Timestamp,
}

/// What is known of a key.
pub(super) enum Known<T> {
    /// It was not used yet, or there is none.
    No,
    /// It was used for this command, which made that.
    Same(T),
    /// It was used for another command.
    Other,
}

impl<T: Copy> Keys<T> {
    pub(super) fn look(&self, tenant: &TenantId, key: Option<&Idempotency>) -> Known<T> {
        let used = key.and_then(|key| Some((key, self.0.get(&(tenant.clone(), key.scope))?)));
        match used {
            None => Known::No,
            Some((key, used)) if used.command == key.command => Known::Same(used.made),
            Some(_) => Known::Other,
        }
    }

    pub(super) fn remember(&mut self, tenant: &TenantId, key: Option<Idempotency>, made: T, at: Timestamp) {
        if let Some(key) = key {
            self.0.insert((tenant.clone(), key.scope), Used { command: key.command, made, at });
        }
    }

    fn forget_before(&mut self, time: Timestamp) -> u64 {
        let before = self.0.len();
        self.0.retain(|_, used| used.at >= time);
        (before - self.0.len()) as u64
    }
}

impl<T> Default for Keys<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

#[async_trait]
impl IdempotencyRepository for FakeStore {
    async fn forget_before(&self, time: Timestamp) -> Result<u64, RepositoryError> {
        let state = &mut *self.lock();
        Ok(state.session_keys.forget_before(time)
            + state.restore_keys.forget_before(time)
            + state.extension_keys.forget_before(time)
            + state.receipt_keys.forget_before(time))
    }
}
