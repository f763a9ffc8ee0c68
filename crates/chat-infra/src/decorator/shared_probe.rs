//! One question for all who ask whether something is there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::health::{Probe, Pulse};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::guarded::guarded;
use crate::deadline::DeadlinePassed;

/// A [`Probe`] around another: whoever asks while a question is under way gets the answer to that one, so that many who
/// ask do not wait for each other, and something that hangs is asked once.
///
/// The question runs on the runtime in which this value was made, and goes on when a caller hangs up, though never longer
/// than its limit.
pub struct SharedProbe {
    inner: Arc<dyn Probe>,
    limit: Duration,
    runtime: Handle,
    under_way: Arc<Mutex<Option<watch::Receiver<Answer>>>>,
}

/// Nothing while the question is under way.
type Answer = Option<Result<Pulse, RepositoryError>>;

/// The question ended without an answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the question was lost")]
struct Lost;

impl SharedProbe {
    /// Shares the questions to a probe, none of which takes longer than the limit. Must be called within a tokio runtime.
    #[must_use]
    pub fn new(inner: Arc<dyn Probe>, limit: Duration) -> Self {
        Self { inner, limit, runtime: Handle::current(), under_way: Arc::default() }
    }

    /// The answer that is under way, or that to a question which begins now.
    fn asked(&self) -> watch::Receiver<Answer> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = &*under_way {
            return answer.clone();
        }
        let (landing, answer) = watch::channel(None);
        *under_way = Some(answer.clone());
        let (inner, limit, place) = (Arc::clone(&self.inner), self.limit, Arc::clone(&self.under_way));
        self.runtime.spawn(async move {
            let asked = timeout(limit, guarded(inner.check())).await;
            // Nobody joins any more: whoever comes now wants to know how it is now.
            place.lock().unwrap_or_else(PoisonError::into_inner).take();
            landing.send_replace(Some(match asked {
                Ok(Ok(answer)) => answer,
                Ok(Err(panicked)) => Err(RepositoryError::internal(panicked)),
                Err(_) => Err(RepositoryError::unavailable(DeadlinePassed)),
            }));
        });
        answer
    }
}

#[async_trait]
impl Probe for SharedProbe {
    async fn check(&self) -> Result<Pulse, RepositoryError> {
        let mut asked = self.asked();
        let answer = asked.wait_for(Option::is_some).await.map_err(|_| RepositoryError::unavailable(Lost))?;
        answer.clone().unwrap_or_else(|| Err(RepositoryError::unavailable(Lost)))
    }
}
