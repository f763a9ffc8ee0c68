//! Panics of a wrapped port: they end one call, and not the task that serves all callers.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

/// The wrapped port panicked; the panic itself was printed where it happened.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the store panicked")]
pub(super) struct Panicked;

/// What the call gives, or that it panicked.
pub(super) async fn guarded<T>(call: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(call).catch_unwind().await.map_err(|_| Panicked)
}
