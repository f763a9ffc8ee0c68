//! One query for all who ask what has changed, before a source that mostly knows revisions without one.

use std::sync::Arc;

use async_trait::async_trait;
use chat_domain::error::RepositoryError;
use chat_domain::message::Since;
use chat_domain::revision::Revision;
use chat_domain::session::{News, RevisionSource, SessionKey};
use futures_util::future::BoxFuture;

use super::shared_revs::{SharedRevs, SharedRevsConfig};

/// A [`RevisionSource`] around another: questions for changes are shared as by [`SharedRevs`], those for revisions go
/// straight to it, since to wait in a line would cost more than the answer.
pub struct SharedChanges {
    inner: Arc<dyn RevisionSource>,
    shared: SharedRevs,
}

impl SharedChanges {
    /// Starts the workers, on the runtime in which this is called. They end when this value is dropped.
    #[must_use]
    pub fn spawn(inner: Arc<dyn RevisionSource>, config: &SharedRevsConfig) -> Self {
        Self { shared: SharedRevs::spawn(Arc::clone(&inner), config), inner }
    }
}

#[async_trait]
impl RevisionSource for SharedChanges {
    // Hands on the future of the other: each page asks here, and one around it would be one more to allocate.
    fn revs<'s, 'f>(
        &'s self,
        sessions: Vec<SessionKey>,
    ) -> BoxFuture<'f, Result<Vec<Option<Revision>>, RepositoryError>>
    where
        's: 'f,
        Self: 'f,
    {
        self.inner.revs(sessions)
    }

    async fn news(&self, sessions: Vec<SessionKey>, since: Vec<Since>) -> Result<News, RepositoryError> {
        let revisions = if sessions.is_empty() { Vec::new() } else { self.inner.revs(sessions).await? };
        Ok(News { revisions, ..self.shared.news(Vec::new(), since).await? })
    }
}
